/** Puts a question about experience together: with what it begins, what is met, by how much, and what is done then. */
import type { EventNames, EventsMet } from "../model/contracts.ts";
import { BINS, EXPOSURE_S, type ExperienceQuestion, KINDS, MEASURES, STRATA, WITHIN_S } from "../model/experience.ts";
import type { FormProps } from "./asked-by-form.tsx";
import { Choice } from "./choice.tsx";
import { CohortField } from "./cohort-field.tsx";
import { faultOf } from "./event-conditions.tsx";
import { EventFilter } from "./event-filter.tsx";
import { TextField } from "./field.tsx";
import { Part } from "./form-part.tsx";
import { NumberField } from "./number-field.tsx";
import { WindowField } from "./window-field.tsx";
import "./product.css";

export function ExperienceForm({ question, set, names, fault }: FormProps<ExperienceQuestion>) {
  const { start = {}, dose, outcome = {}, exposure_s = EXPOSURE_S, within_s = WITHIN_S, bins = BINS, strata = STRATA } = question;
  const { measure = "count", property = "" } = dose;
  const { kind = "return" } = outcome;
  const put = (changed: Partial<ExperienceQuestion>) => set({ ...question, ...changed });
  const about = (place: string) => ({ names, fault: (part: string) => fault(`${place}.${part}`) });
  const alike = strata.map((_, place) => fault(`strata.${place}`)).find(Boolean) || fault("strata");
  return (
    <div class="funnel-form">
      <Part title="Begins with a user's first">
        <Events events={start} set={(events) => put({ start: { ...start, ...events } })} {...about("start")} />
      </Part>
      <Part title="Then meets">
        <Choice title="Measured by" value={measure} values={MEASURES.map(([one]) => one)} words={wordOf(MEASURES)} set={(one) => put({ dose: { ...dose, measure: one as typeof measure } })} {...faultOf(fault("dose.measure"))} />
        {measure !== "count" && <TextField title="Property" value={property} list={names?.properties ?? []} placeholder="duration_ms" set={(name) => put({ dose: { ...dose, property: name } })} {...faultOf(fault("dose.property"))} />}
        <Events events={dose} set={(events) => put({ dose: { ...dose, ...events } })} {...about("dose")} />
        <div class="question-row">
          <WindowField title="Within" seconds={exposure_s} set={(seconds) => put({ exposure_s: seconds })} error={fault("exposure_s")} />
        </div>
      </Part>
      <Part title="How many then">
        <Choice title="Outcome" value={kind} values={KINDS.map(([one]) => one)} words={wordOf(KINDS)} set={(one) => put({ outcome: { ...outcome, kind: one as typeof kind } })} {...faultOf(fault("outcome.kind"))} />
        {kind !== "return" && <Events events={outcome} set={(events) => put({ outcome: { ...outcome, ...events } })} {...about("outcome")} />}
        <div class="question-row">
          <WindowField title="Within" seconds={within_s} set={(seconds) => put({ within_s: seconds })} error={fault("within_s")} />
        </div>
      </Part>
      <NumberField title="Ranges" value={bins} set={(count) => put({ bins: count })} error={fault("bins")} />
      <TextField title="Compared among users alike in" value={strata.join(", ")} set={(typed) => put({ strata: typed.split(",").map((one) => one.trimStart()) })} {...faultOf(alike)} />
      <CohortField cohort={question.cohort} set={(cohort) => put({ cohort })} error={fault("cohort")} />
    </div>
  );
}

interface EventsProps {
  events: EventsMet;
  set: (events: EventsMet) => void;
  names: EventNames | null;
  fault: (place: string) => string;
}

function Events({ events: { event_type = "", where }, set, names, fault }: EventsProps) {
  return <EventFilter title="Event type" filter={{ event_type, ...(where ? { where } : {}) }} set={(filter) => set({ event_type: filter.event_type, where: filter.where })} names={names} fault={fault} hint={event_type ? "" : "Of any type, if none is named."} />;
}

function wordOf(pairs: readonly (readonly [string, string])[]): (value: string) => string {
  return (value) => pairs.find(([one]) => one === value)?.[1] ?? value;
}
