/** Conditions on the properties of events, which must all be met: a row for each. */
import type { EventNames, PropertyCondition } from "../model/contracts.ts";
import { conditionOf, MOST_CONDITIONS, OPERATORS } from "../model/event-choice.ts";
import { Choice } from "./choice.tsx";
import { TextField } from "./field.tsx";
import "./product.css";

interface Props {
  where: readonly PropertyCondition[];
  set: (where: PropertyCondition[]) => void;
  names: EventNames | null;
  /** What is wrong with the part of the conditions at this place: `0.value`. */
  fault: (place: string) => string;
}

export function EventConditions({ where, set, names, fault }: Props) {
  const change = (at: number, condition: PropertyCondition) => set(where.map((one, i) => (i === at ? condition : one)));
  return (
    <>
      {where.map((condition, at) => (
        <div class="event-condition" role="group" aria-label={`Condition ${at + 1}`} key={at}>
          <TextField title="Where" value={condition.property} list={names?.properties ?? []} set={(property) => change(at, { ...condition, property })} placeholder="property" {...faultOf(fault(`${at}.property`))} />
          <Choice title="Comparison" value={condition.op ?? "="} values={OPERATORS.map(([op]) => op)} words={(op) => OPERATORS.find(([one]) => one === op)?.[1] ?? op} set={(op) => change(at, withOperator(condition, op))} {...faultOf(fault(`${at}.op`))} />
          {condition.op !== "exists" && (
            <TextField
              title={condition.op === "in" ? "Values, one, other" : "Value"}
              value={condition.op === "in" ? (condition.values ?? []).join(", ") : (condition.value ?? "")}
              set={(text) => change(at, condition.op === "in" ? { ...condition, values: listOf(text) } : { ...condition, value: text })}
              {...faultOf(fault(`${at}.value`) || fault(`${at}.values`))}
            />
          )}
          <button type="button" class="remove" aria-label={`Remove condition ${at + 1}`} onClick={() => set(where.filter((_, i) => i !== at))}>
            ×
          </button>
        </div>
      ))}
      {where.length < MOST_CONDITIONS && (
        <button type="button" class="link add" onClick={() => set([...where, { property: "", op: "=", value: "" }])}>
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
