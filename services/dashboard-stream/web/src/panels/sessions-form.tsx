/** Puts a question about sessions together: what makes one, which of them count, and by what they are told apart. */
import { INTERVALS, type Interval, type SessionsQuestion } from "../model/sessions.ts";
import type { FormProps } from "./asked-by-form.tsx";
import { Choice } from "./choice.tsx";
import { CohortField } from "./cohort-field.tsx";
import { faultOf } from "./event-conditions.tsx";
import { EventSelection } from "./event-selection.tsx";
import { TextField } from "./field.tsx";
import { Part } from "./form-part.tsx";
import { SessionRule } from "./session-rule.tsx";
import { ZoneField } from "./zone-field.tsx";
import "./product.css";

export function SessionsForm({ question, set, names, fault }: FormProps<SessionsQuestion>) {
  const { event_types = [], where = [], interval = "day", tz, breakdown = "", page = "" } = question;
  const put = (changed: Partial<SessionsQuestion>) => set({ ...question, ...changed });
  const properties = names?.properties ?? [];
  return (
    <div class="funnel-form">
      <Part title="A session">
        <SessionRule question={question} put={put} fault={fault} />
      </Part>
      <Part title="Made of">
        <EventSelection title="Event types" selection={{ event_types, where }} set={(selection) => put({ event_types: selection.event_types, where: selection.where })} names={names} fault={fault} />
      </Part>
      <TextField title="Entry and exit by" value={page} list={properties} set={(name) => put({ page: name })} placeholder="page" hint="The property whose first and last values in a session are shown." {...faultOf(fault("page"))} />
      <TextField title="By" value={breakdown} list={properties} set={(name) => put({ breakdown: name })} placeholder="version" {...faultOf(fault("breakdown"))} />
      <div class="question-row">
        <Choice title="Period" value={interval || "day"} values={INTERVALS} words={(one) => one} set={(one) => put({ interval: one as Interval })} {...faultOf(fault("interval"))} />
        <ZoneField tz={tz} set={(name) => put({ tz: name })} error={fault("tz")} />
      </div>
      <CohortField cohort={question.cohort} set={(cohort) => put({ cohort })} error={fault("cohort")} />
    </div>
  );
}
