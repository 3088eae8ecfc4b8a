/** Puts a question about journeys together: where paths begin or end, and what their steps are. */
import type { PathAnchor, PathGroup } from "../model/contracts.ts";
import { BY_TYPE, type JourneysQuestion, LATENCY, MOST_GROUPS, NODES, STEPS } from "../model/journeys.ts";
import { GAP_S } from "../model/sessions.ts";
import type { FormProps } from "./asked-by-form.tsx";
import { Choice } from "./choice.tsx";
import { CohortField } from "./cohort-field.tsx";
import { faultOf } from "./event-conditions.tsx";
import { EventFilter } from "./event-filter.tsx";
import { EventSelection } from "./event-selection.tsx";
import { TextField } from "./field.tsx";
import { Part } from "./form-part.tsx";
import { FurtherEnds } from "./session-rule.tsx";
import { WindowField } from "./window-field.tsx";
import { ZoneField } from "./zone-field.tsx";
import "./product.css";

const BEGINNINGS = { session: "with each session", start: "with an event", end: "before an event, and end with it" } as const;
const WINDOW_S = 7 * 86_400;
const EMPTY: PathAnchor = { event_type: "" };

export function JourneysForm({ question, set, names, fault }: FormProps<JourneysQuestion>) {
  const { start, end, event_types, where, node = BY_TYPE, max_steps = STEPS, limit = NODES } = question;
  const begins = start ? "start" : end ? "end" : "session";
  const anchor = start ?? end ?? EMPTY;
  const put = (changed: Partial<JourneysQuestion>) => set({ ...question, ...changed });
  const number = (title: string, value: number, field: "max_steps" | "limit") => <TextField title={title} numeric value={value ? String(value) : ""} set={(typed) => put({ [field]: Number(typed) || 0 })} {...faultOf(fault(field))} />;
  return (
    <div class="funnel-form">
      <Part title="Paths begin">
        <Choice title="Where" value={begins} values={Object.keys(BEGINNINGS)} words={(one) => BEGINNINGS[one as keyof typeof BEGINNINGS]} set={(one) => put({ start: one === "start" ? anchor : undefined, end: one === "end" ? anchor : undefined })} {...faultOf(fault("start") || fault("end"))} />
        {begins !== "session" && <EventFilter title="Event type" filter={{ ...anchor, event_type: anchor.event_type ?? "" }} set={(changed) => put({ [begins]: changed })} names={names} fault={(place) => fault(`${begins}.${place}`)} />}
      </Part>
      <Part title="Steps">
        <EventSelection title="Event types" selection={{ event_types, where }} set={(selection) => put({ event_types: selection.event_types, where: selection.where })} names={names} fault={fault} />
        <TextField title="Called by" value={node} list={[BY_TYPE, ...(names?.properties ?? [])]} set={(property) => put({ node: property })} hint="The event type, or a property such as page." {...faultOf(fault("node"))} />
        <Groups group={question.group ?? []} set={(group) => put({ group })} fault={fault} />
        <label class="check">
          <input type="checkbox" checked={question.collapse_repeats !== false} onChange={(event) => put({ collapse_repeats: event.currentTarget.checked ? undefined : false })} />
          <span>The same step several times in a row is one</span>
        </label>
      </Part>
      <div class="question-row">
        {number("Steps", max_steps, "max_steps")}
        {number("Names of a step", limit, "limit")}
      </div>
      <CohortField cohort={question.cohort} set={(cohort) => put({ cohort })} error={fault("cohort")} />
      <details class="further">
        <summary>Sessions, latency and errors</summary>
        <Sessions question={question} put={put} fault={fault} />
        <TextField title="Latency" value={question.latency ?? LATENCY} list={names?.properties ?? []} set={(property) => put({ latency: property === LATENCY ? undefined : property })} hint="The property with an event's latency in ms." {...faultOf(fault("latency"))} />
        <label class="check">
          <input type="checkbox" checked={question.errors !== false} onChange={(event) => put({ errors: event.currentTarget.checked ? undefined : false })} />
          <span>How many events failed</span>
        </label>
      </details>
    </div>
  );
}

/** Values that are one step together. */
function Groups({ group, set, fault }: { group: readonly PathGroup[]; set: (group: PathGroup[]) => void; fault: (place: string) => string }) {
  const change = (at: number, changed: Partial<PathGroup>) => set(group.map((one, i) => (i === at ? { ...one, ...changed } : one)));
  return (
    <>
      {group.map(({ pattern, name = "" }, at) => (
        <div class="path-group" role="group" aria-label={`Group ${at + 1}`} key={at}>
          <TextField title="Names like" value={pattern} placeholder="/tea/*" set={(typed) => change(at, { pattern: typed })} {...faultOf(fault(`group.${at}.pattern`))} />
          <TextField title="are called" value={name} placeholder={pattern || "a tea"} set={(typed) => change(at, { name: typed })} {...faultOf(fault(`group.${at}.name`))} />
          <button type="button" class="remove" aria-label={`Remove group ${at + 1}`} onClick={() => set(group.filter((_, i) => i !== at))}>
            ×
          </button>
        </div>
      ))}
      {group.length < MOST_GROUPS && (
        <button type="button" class="link add" onClick={() => set([...group, { pattern: "" }])}>
          Put names together
        </button>
      )}
    </>
  );
}

/** What ends a path: a pause, or a time after its start. */
function Sessions({ question, put, fault }: { question: JourneysQuestion; put: (changed: Partial<JourneysQuestion>) => void; fault: (place: string) => string }) {
  const { window_s, gap_s = GAP_S, tz } = question;
  const [field, seconds] = window_s ? (["window_s", window_s] as const) : (["gap_s", gap_s] as const);
  return (
    <>
      <div class="question-row">
        <Choice title="A path lasts" value={field} values={["gap_s", "window_s"]} words={(one) => (one === "gap_s" ? "until a pause of" : "in all, at most")} set={(one) => put(one === "gap_s" ? { window_s: undefined } : { window_s: WINDOW_S })} />
        <WindowField title="So long" seconds={seconds} set={(changed) => put({ [field]: changed })} error={fault(field)} />
      </div>
      {!window_s && <FurtherEnds question={question} put={put} zone={<ZoneField tz={tz} set={(name) => put({ tz: name })} error={fault("tz")} />} />}
    </>
  );
}
