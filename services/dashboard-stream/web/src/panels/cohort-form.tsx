/** Puts a live cohort together: conditions on what its users did, all or any of which they meet. */
import { COMPARISONS, type Draft, EMPTY_PART, faultIn, FUNCTIONS, MOST_PARTS, nameOf, type Part as Condition, PART_KINDS, withEvents } from "../model/cohorts.ts";
import type { Failure } from "../model/asked.ts";
import type { EventNames } from "../model/contracts.ts";
import { Choice } from "./choice.tsx";
import { faultOf } from "./event-conditions.tsx";
import { EventSelection } from "./event-selection.tsx";
import { TextField } from "./field.tsx";
import { Part } from "./form-part.tsx";
import "./product.css";

interface Props {
  draft: Draft;
  set: (draft: Draft) => void;
  names: EventNames | null;
  failure: Failure | null;
}

export function CohortForm({ draft, set, names, failure }: Props) {
  const { name, title, match, parts } = draft;
  const put = (at: number, part: Condition) => set({ ...draft, parts: parts.map((one, i) => (i === at ? part : one)) });
  const fault = (place: string) => (failure?.field === place ? failure.why : "");
  return (
    <div class="funnel-form">
      <TextField title="Title" value={title} set={(typed) => set({ ...draft, title: typed })} placeholder="Regulars" {...faultOf(fault("title"))} />
      <TextField title="Name" value={name} set={(typed) => set({ ...draft, name: typed })} placeholder={nameOf(title) || "regulars"} hint="In questions: a-z, 0-9, _ and -." {...faultOf(fault("name"))} />
      {parts.length > 1 && <Choice title="Users who meet" value={match} values={["all", "any"]} words={(one) => (one === "all" ? "all of these" : "any of these")} set={(one) => set({ ...draft, match: one as Draft["match"] })} />}
      {parts.map((part, at) => (
        <Part
          key={at}
          title={`Users who …`}
          actions={
            parts.length > 1 && (
              <button type="button" aria-label={`Remove part ${at + 1}`} onClick={() => set({ ...draft, parts: parts.filter((_, i) => i !== at) })}>
                ×
              </button>
            )
          }
        >
          <PartForm part={part} set={(changed) => put(at, changed)} names={names} fault={(place) => (failure?.field && faultIn(failure.field, draft, at) === place ? failure.why : "")} />
        </Part>
      ))}
      {parts.length < MOST_PARTS && (
        <button type="button" class="link add" onClick={() => set({ ...draft, parts: [...parts, EMPTY_PART] })}>
          Add a part
        </button>
      )}
    </div>
  );
}

interface PartProps {
  part: Condition;
  set: (part: Condition) => void;
  names: EventNames | null;
  fault: (place: string) => string;
}

function PartForm({ part, set, names, fault }: PartProps) {
  const { kind, events, at_least, days } = part;
  return (
    <>
      <Choice title="Kind" value={kind} values={Object.keys(PART_KINDS)} words={(one) => PART_KINDS[one as Condition["kind"]]} set={(one) => set({ ...part, kind: one as Condition["kind"] })} {...faultOf(fault(""))} />
      {kind === "metric" && (
        <>
          <div class="question-row">
            <Choice title="Number" value={part.function} values={FUNCTIONS} words={(one) => one} set={(one) => set({ ...part, function: one as Condition["function"] })} />
            <TextField title="of" value={part.property} list={names?.properties ?? []} placeholder="property" set={(property) => set({ ...part, property })} {...faultOf(fault("property"))} />
          </div>
          <div class="question-row">
            <Choice title="Compared" value={part.op} values={COMPARISONS} words={(one) => one} set={(one) => set({ ...part, op: one as Condition["op"] })} />
            <TextField title="with" numeric value={part.value} set={(value) => set({ ...part, value })} {...faultOf(fault("value"))} />
          </div>
        </>
      )}
      <EventSelection title="Event types" selection={events} set={(selection) => set(withEvents(part, selection))} names={names} fault={fault} />
      <div class="question-row">
        {kind !== "metric" && <TextField title="Times, at least" numeric value={at_least ? String(at_least) : ""} set={(typed) => set({ ...part, at_least: Number(typed) || 0 })} {...faultOf(fault("at_least"))} />}
        <TextField title="In the last days" numeric value={days ? String(days) : ""} placeholder="all stored" set={(typed) => set({ ...part, days: Math.round(Number(typed)) || 0 })} {...faultOf(fault("from"))} />
      </div>
    </>
  );
}
