/** Puts a question about active users together: what makes them active, and by which periods. */
import { type ActivityQuestion, FIRST_INTERVAL } from "../model/activity.ts";
import { INTERVALS } from "../model/retention.ts";
import type { FormProps } from "./asked-by-form.tsx";
import { Choice } from "./choice.tsx";
import { CohortField } from "./cohort-field.tsx";
import { faultOf } from "./event-conditions.tsx";
import { EventSelection } from "./event-selection.tsx";
import { TextField } from "./field.tsx";
import { Part } from "./form-part.tsx";
import { ZoneField } from "./zone-field.tsx";
import "./product.css";

export function ActivityForm({ question, set, names, fault }: FormProps<ActivityQuestion>) {
  const { event_types, where, interval = FIRST_INTERVAL, tz, breakdown = "" } = question;
  return (
    <div class="funnel-form">
      <Part title="Active by">
        <EventSelection title="Event types" selection={{ event_types, where }} set={(selection) => set({ ...question, event_types: selection.event_types, where: selection.where })} names={names} fault={fault} />
      </Part>
      <div class="question-row">
        <Choice title="Period" value={interval} values={INTERVALS} words={(one) => one} set={(one) => set({ ...question, interval: one as typeof interval })} />
        <TextField title="By" value={breakdown} list={names?.properties ?? []} placeholder="property" set={(property) => set({ ...question, breakdown: property })} {...faultOf(fault("breakdown"))} />
      </div>
      <CohortField cohort={question.cohort} set={(cohort) => set({ ...question, cohort })} error={fault("cohort")} />
      <ZoneField tz={tz} set={(name) => set({ ...question, tz: name })} error={fault("tz")} />
    </div>
  );
}
