/** Defines a KPI or a metric out of events, or changes a metric: checked while somebody types, drawn before it is stored. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import {
  byPlace,
  type Checked,
  type Conflict,
  type Definition,
  documentOf,
  type Draft,
  draftOf,
  draftOfDefinition,
  type Editing,
  type Fault,
  isChanged,
  isFed,
  isOfEvents,
  newDraft,
  type Preview,
} from "../model/definition.ts";
import { kindInWords, type Metric, named } from "../model/metrics.ts";
import { CodeField, Field, TextField } from "./field.tsx";
import { MadeOf } from "./made-of.tsx";
import { MetricConflict } from "./metric-conflict.tsx";
import { useChecked } from "./use-checked.ts";

interface Props {
  /** The metric that is changed; `null`: a new one. */
  metric: Metric | null;
  what: "kpi" | "events";
  metrics: readonly Metric[];
  editing: Editing;
  /** Somebody typed something that is not stored yet. */
  setUnsaved: (unsaved: boolean) => void;
  stored: (metric: Metric) => void;
  /** Leaves the form; `gone`: there is no such metric any more. */
  leave: (gone?: boolean) => void;
  addressOf: (metric: Metric) => string;
  /** Draws a preview; `null`: nothing can be drawn yet. */
  preview: (wanted: Preview | null, why: string) => ComponentChildren;
}

export function MetricForm({ metric, what, metrics, editing, setUnsaved, stored, leave, addressOf, preview }: Props) {
  const [before, setBefore] = useState<Draft>(() => (metric ? draftOf(metric) : newDraft(what)));
  const [draft, setDraft] = useState<Draft>(before);
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [refused, setRefused] = useState<Fault[]>([]);
  const [failure, setFailure] = useState("");
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const [busy, setBusy] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);

  const changed = isChanged(draft, before);
  useEffect(() => setUnsaved(changed), [changed]);
  useEffect(() => () => setUnsaved(false), []);

  const { document, faults: own } = documentOf(draft);
  const { checked, current, why } = useChecked(document, editing.check);
  const twin = metric ? null : (named(metrics, draft.name) ?? (checked?.token && current ? named(metrics, checked.token) : null));
  if (twin) own.push({ field: "name", error: `there is a metric ${twin.name} already: choose another name, or change that one` });
  const all = byPlace([...own, ...(current ? (checked?.faults ?? []) : []), ...refused]);
  // Of a field that nobody has filled in yet nothing is said: that it is empty is seen.
  const fault = (place: string): Fault | undefined => (touched.has(place) || metric || refused.length ? all.get(place) : undefined);
  const set = <F extends keyof Draft>(field: F, value: Draft[F]) => {
    setDraft({ ...draft, [field]: value });
    setTouched(new Set([...touched, field]));
    setRefused([]);
  };
  const ready = current && all.size === 0 && !why;

  const save = async (revision = draft.revision) => {
    setBusy(true);
    setFailure("");
    try {
      const result = await editing.store(draft.name, document, revision);
      if ("conflict" in result) setConflict(result.conflict);
      else if ("faults" in result) setRefused(result.faults);
      else {
        setUnsaved(false);
        stored(result.metric);
        return;
      }
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
    setBusy(false);
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (busy) return;
    if (!ready) {
      setTouched(new Set([...Object.keys(draft), ""]));
      // After the next drawing: the first field that is wrong.
      setTimeout(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
      return;
    }
    void save();
  };

  const kpi = draft.kind === "derived";
  const fed = isFed(metric);
  const events = isOfEvents(draft);
  const wanted = previewOf(draft, document, checked, current, all);
  return (
    <form ref={form} class="editor" aria-label={metric ? `Change ${metric.name}` : kpi ? "New KPI" : "New metric from events"} onSubmit={submit}>
      <article class="panel fields">
        <h2 ref={heading} tabIndex={-1}>
          {metric ? (
            <span>
              Change <bdi>{metric.name}</bdi>
            </span>
          ) : kpi ? (
            "New KPI"
          ) : (
            "New metric from events"
          )}
        </h2>
        {metric && <p class="muted">{changeable(metric)}</p>}
        {!metric && (
          <p class="muted">
            {kpi
              ? "Arithmetic over metrics and events. It is computed from merged numbers: over any time it is the ratio of the sums."
              : "Counts or measures the events of one type. Counted live from now on; what came before is filled in the background."}
          </p>
        )}
        {all.get("") && (touched.has("") || metric || refused.length > 0) && (
          <p class="fault" role="alert">
            {all.get("")?.error}
          </p>
        )}
        <div class="grid">
          {!metric && <TextField title="Name" value={draft.name} set={(value) => set("name", value)} fault={fault("name")} placeholder={kpi ? "good answers" : "paid.signups"} wide />}
          {kpi && (
            <CodeField
              title="Expression"
              value={draft.expression}
              set={(value) => set("expression", value)}
              fault={fault("expression")}
              placeholder="100 * count(feedback where satisfaction >= 4) / count(feedback)"
              hint={
                <>
                  Terms: <code>count(requests)</code>, <code>p95(request_duration_ms where service = "wisdom")</code>, <code>avg(order.price)</code>,{" "}
                  <code>value("another KPI")</code>; between them + − * / and parentheses.
                </>
              }
            />
          )}
          {events && (
            <>
              <TextField title="Event type" value={draft.event} set={(value) => set("event", value)} fault={fault("event")} placeholder="signup" list={eventsOf(metrics)} />
              <Field title="Measures" fault={fault("kind")}>
                {(about) => (
                  <select {...about} value={draft.kind} onChange={(event) => set("kind", event.currentTarget.value as Draft["kind"])}>
                    <option value="counter">how many, or a sum (counter)</option>
                    <option value="distribution">values with percentiles (distribution)</option>
                    <option value="gauge">a level (gauge)</option>
                    <option value="unique">how many distinct (unique)</option>
                  </select>
                )}
              </Field>
              <CodeField
                title="Where"
                value={draft.where}
                set={(value) => set("where", value)}
                fault={fault("where")}
                placeholder={'plan = "pro" and seats >= 2'}
                hint="A condition on the properties of the events; empty: all of them."
              />
              <TextField
                title={draft.kind === "unique" ? "Distinct values of" : draft.kind === "counter" ? "Sum of (empty: counts events)" : "Value"}
                value={draft.property}
                set={(value) => set("property", value)}
                fault={fault("property")}
                placeholder={draft.kind === "unique" ? "user_id" : "price"}
                hint="A property of the events."
              />
              <TextField
                title="Dimensions"
                value={draft.dimensions}
                set={(value) => set("dimensions", value)}
                fault={fault("dimensions")}
                placeholder="country = geo.country, plan"
                hint="What it is kept apart by: labels, with the property each is taken from."
              />
            </>
          )}
          <TextField title="Unit" value={draft.unit} set={(value) => set("unit", value)} fault={fault("unit")} readOnly={fed} placeholder="1" hint="UCUM: ms, By, %, 1, {request}" />
          {kpi ? (
            <>
              <Field title="Better is" fault={fault("direction")}>
                {(about) => (
                  <select {...about} value={draft.direction} onChange={(event) => set("direction", event.currentTarget.value as Draft["direction"])}>
                    <option value="up">a higher value</option>
                    <option value="down">a lower value</option>
                  </select>
                )}
              </Field>
              <TextField title="Target" value={draft.target} set={(value) => set("target", value)} fault={fault("target")} numeric />
              <TextField title="Warning from" value={draft.warn} set={(value) => set("warn", value)} fault={fault("warn")} numeric />
              <TextField title="Bad from" value={draft.bad} set={(value) => set("bad", value)} fault={fault("bad")} numeric />
              <TextField title="Owner" value={draft.owner} set={(value) => set("owner", value)} fault={fault("owner")} placeholder="answers team" />
            </>
          ) : (
            <>
              <TextField
                title="Most series"
                value={draft.max_series}
                set={(value) => set("max_series", value)}
                fault={fault("max_series")}
                numeric
                hint="In one hour; further ones are counted together as “other”."
              />
              <TextField
                title="Kept for days"
                value={draft.retention_days}
                set={(value) => set("retention_days", value)}
                fault={fault("retention_days")}
                numeric
                placeholder="as all metrics"
                hint="Older values are deleted."
              />
            </>
          )}
          <TextField title="Description" value={draft.description} set={(value) => set("description", value)} fault={fault("description")} wide />
        </div>
        <div class="switches" role="group" aria-label="State">
          <Check title="On" hint={kpi ? "it is computed" : "it is counted"} value={draft.enabled} set={(value) => set("enabled", value)} />
          <Check title="Watched" hint="anomalies are looked for" value={draft.watched} set={(value) => set("watched", value)} />
          <Check title="Forecast" hint="it is forecast" value={draft.forecast} set={(value) => set("forecast", value)} />
        </div>
        {(why || failure) && (
          <p class="fault" role="alert">
            {failure ? `It was not stored: ${failure}` : `It cannot be checked: ${why}`}
          </p>
        )}
        <div class="actions">
          <button type="submit" class="primary" disabled={busy} aria-disabled={!ready}>
            {busy ? "Saving…" : "Save"}
          </button>
          <button type="button" onClick={() => leave()}>
            Cancel
          </button>
          <span class="muted" role="status">
            {busy ? "" : !current ? "checking…" : all.size ? `${all.size === 1 ? "one thing is" : `${all.size} things are`} missing or wrong` : changed || !metric ? "can be saved" : "nothing is changed"}
          </span>
        </div>
      </article>
      {conflict && (
        <MetricConflict
          conflict={conflict}
          yours={document}
          busy={busy}
          replace={() => {
            const { revision } = conflict;
            setConflict(null);
            setDraft({ ...draft, revision });
            void save(revision);
          }}
          take={() => {
            const { theirs, revision } = conflict;
            setConflict(null);
            if (!theirs || !metric) return leave(!theirs);
            const taken = draftOfDefinition(theirs, metric, revision);
            setBefore(taken);
            setDraft(taken);
          }}
        />
      )}
      <aside class="beside">
        {(kpi || events) && (
          <article class="panel metric-preview" aria-label="Preview">
            <h3>
              Preview
              <small>the last day, as it would have been</small>
            </h3>
            {preview(wanted, waitingFor(draft, all, current))}
          </article>
        )}
        {checked?.made_of && checked.made_of.length > 0 && <MadeOf parts={checked.made_of} metrics={metrics} addressOf={addressOf} />}
      </aside>
    </form>
  );
}

function Check({ title, hint, value, set }: { title: string; hint: string; value: boolean; set: (value: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={value} onChange={(event) => set(event.currentTarget.checked)} />
      <span>
        {title} <small>{hint}</small>
      </span>
    </label>
  );
}

/** What of a metric is its tenant's to say. */
function changeable(metric: Metric): string {
  if (isFed(metric)) return "Drishti feeds this metric: its name, kind, unit and dimensions stay.";
  if (metric.kind === "derived") return "Another expression is another version: what was computed before keeps the old one.";
  if (metric.source) return "Other events, another kind or other dimensions are another version, which is counted and filled anew.";
  return "Its points arrive from outside: its kind and dimensions stay.";
}

/** Types of events that metrics are drawn from already: what one may want again. */
function eventsOf(metrics: readonly Metric[]): string[] {
  return [...new Set(metrics.flatMap((metric) => (metric.source ? [metric.source.event] : [])))].sort();
}

function previewOf(draft: Draft, document: Definition, checked: Checked | null, current: boolean, faults: ReadonlyMap<string, Fault>): Preview | null {
  const expression = checked?.preview ?? "";
  if (!current || !expression || BLOCKING.some((place) => faults.has(place))) return null;
  const level = (field: "target" | "warn" | "bad") => (typeof document[field] === "number" ? (document[field] as number) : undefined);
  const per = draft.kind === "counter" && !draft.property.trim() ? "/s" : "";
  return {
    expression,
    events: (checked?.made_of ?? []).some((part) => part.events !== undefined),
    unit: faults.has("unit") ? "1" : `${draft.unit}${per}`,
    title: draft.name || kindInWords(draft.kind),
    levels: { target: level("target"), warn: level("warn"), bad: level("bad") },
  };
}

/** Fields without which there is nothing to draw. */
const BLOCKING = ["expression", "event", "where", "property", "kind"];

function waitingFor(draft: Draft, faults: ReadonlyMap<string, Fault>, current: boolean): string {
  if (draft.kind === "derived" ? !draft.expression.trim() : !draft.event.trim()) {
    return draft.kind === "derived" ? "It is drawn once there is an expression." : "It is drawn once there is a type of events.";
  }
  return current && BLOCKING.some((place) => faults.has(place)) ? "It cannot be drawn while something is wrong." : "Checking…";
}
