/** Chooses events: their type, and conditions on their properties that must all be met. */
import type { EventNames, FunnelStep, PropertyCondition } from "../model/contracts.ts";
import { conditionOf, MOST_CONDITIONS, OPERATORS } from "../model/funnels.ts";
import { Choice } from "./choice.tsx";
import { TextField } from "./field.tsx";

interface Props {
  /** What the type is called in this form. */
  title: string;
  filter: FunnelStep;
  set: (filter: FunnelStep) => void;
  names: EventNames | null;
  /** What is wrong with the part of the question at this place below it: `event_type`, `where.0.value`. */
  fault: (place: string) => string;
  hint?: string;
}

export function EventFilter({ title, filter, set, names, fault, hint }: Props) {
  const { event_type, where = [], ...rest } = filter;
  const put = (conditions: PropertyCondition[]) => set({ ...rest, event_type, ...(conditions.length ? { where: conditions } : {}) });
  const change = (at: number, condition: PropertyCondition) => put(where.map((one, i) => (i === at ? condition : one)));
  return (
    <>
      <TextField title={title} value={event_type} list={names?.event_types ?? []} set={(name) => set({ ...filter, event_type: name })} placeholder="page_view" {...faultOf(fault("event_type"))} {...(hint ? { hint } : {})} />
      {where.map((condition, at) => (
        <div class="event-condition" role="group" aria-label={`Condition ${at + 1}`} key={at}>
          <TextField title="Where" value={condition.property} list={names?.properties ?? []} set={(property) => change(at, { ...condition, property })} placeholder="property" {...faultOf(fault(`where.${at}.property`))} />
          <Choice title="Comparison" value={condition.op ?? "="} values={OPERATORS.map(([op]) => op)} words={(op) => OPERATORS.find(([one]) => one === op)?.[1] ?? op} set={(op) => change(at, withOperator(condition, op))} {...faultOf(fault(`where.${at}.op`))} />
          {condition.op !== "exists" && (
            <TextField
              title={condition.op === "in" ? "Values, one, other" : "Value"}
              value={condition.op === "in" ? (condition.values ?? []).join(", ") : (condition.value ?? "")}
              set={(text) => change(at, condition.op === "in" ? { ...condition, values: listOf(text) } : { ...condition, value: text })}
              {...faultOf(fault(`where.${at}.value`) || fault(`where.${at}.values`))}
            />
          )}
          <button type="button" class="remove" aria-label={`Remove condition ${at + 1}`} onClick={() => put(where.filter((_, i) => i !== at))}>
            ×
          </button>
        </div>
      ))}
      {where.length < MOST_CONDITIONS && (
        <button type="button" class="link add" onClick={() => put([...where, { property: "", op: "=", value: "" }])}>
          Add a condition
        </button>
      )}
    </>
  );
}

/** What was typed is kept as far as the other operator has a use for it. */
function withOperator({ property, value = "", values = [] }: PropertyCondition, op: string): PropertyCondition {
  const list = values.length ? values : listOf(value);
  return conditionOf({ property, op, value: value || values[0] || "", values: list });
}

/** While a list is being typed, what stands behind its last comma may be empty. */
function listOf(text: string): string[] {
  return text.split(",").map((one) => one.trimStart());
}

export function faultOf(error: string): { fault?: { field: string; error: string } } {
  return error ? { fault: { field: "", error } } : {};
}
