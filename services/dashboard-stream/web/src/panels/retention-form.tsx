/** Puts a question about retention together: who began, what counts as coming back, and by which periods. */
import { INTERVALS, KINDS, type Kind, PERIODS, type RetentionQuestion } from "../model/retention.ts";
import type { FormProps } from "./asked-by-form.tsx";
import { Choice } from "./choice.tsx";
import { CohortField } from "./cohort-field.tsx";
import { EventConditions, faultOf } from "./event-conditions.tsx";
import { EventSelection } from "./event-selection.tsx";
import { TextField } from "./field.tsx";
import { Part } from "./form-part.tsx";
import { ZoneField } from "./zone-field.tsx";
import "./product.css";

export function RetentionForm({ question, set, names, fault }: FormProps<RetentionQuestion>) {
  const { start = {}, return: returning = {}, where = [], interval = "week", tz, kind = "classic", periods = PERIODS, brackets = [], recurring = false, breakdown = "" } = question;
  const at = (place: string) => (below: string) => fault(`${place}.${below}`);
  const wrongBracket = brackets.map((_, place) => fault(`brackets.${place}`)).find(Boolean) || fault("brackets");
  return (
    <div class="funnel-form">
      <Part title="Began with">
        <EventSelection title="Event types" selection={start} set={(selection) => set({ ...question, start: selection })} names={names} fault={at("start")} />
        <Choice title="Which of them" value={recurring ? "any" : "first"} values={["first", "any"]} words={(one) => (one === "any" ? "any: a user is in each period with one" : "the first of all that is stored")} set={(one) => set({ ...question, recurring: one === "any" })} />
      </Part>
      <Part title="Came back with">
        <EventSelection title="Event types" selection={returning} set={(selection) => set({ ...question, return: selection })} names={names} fault={at("return")} />
        <Choice title="When" value={kind} values={KINDS.map(([one]) => one)} words={(one) => KINDS.find(([name]) => name === one)?.[1] ?? one} set={(one) => set({ ...question, kind: one as Kind })} {...faultOf(fault("kind"))} />
      </Part>
      <Part title="Both with">
        <EventConditions where={where} set={(conditions) => set({ ...question, where: conditions })} names={names} fault={at("where")} />
      </Part>
      <div class="question-row">
        <Choice title="Period" value={interval} values={INTERVALS} words={(one) => one} set={(one) => set({ ...question, interval: one as typeof interval })} />
        {kind === "bracketed" ? (
          <TextField title="Brackets" value={brackets.join(", ")} placeholder="0, 1-3, 4-7" set={(typed) => set({ ...question, brackets: typed ? typed.split(",").map((one) => one.trimStart()) : [] })} {...faultOf(wrongBracket)} />
        ) : (
          <TextField title="Columns" numeric value={periods ? String(periods) : ""} set={(typed) => set({ ...question, periods: Number(typed) || 0 })} {...faultOf(fault("periods"))} />
        )}
        <TextField title="By" value={breakdown} list={names?.properties ?? []} placeholder="property" set={(property) => set({ ...question, breakdown: property })} {...faultOf(fault("breakdown"))} />
      </div>
      <CohortField cohort={question.cohort} set={(cohort) => set({ ...question, cohort })} error={fault("cohort")} />
      <ZoneField tz={tz} set={(name) => set({ ...question, tz: name })} error={fault("tz")} />
    </div>
  );
}
