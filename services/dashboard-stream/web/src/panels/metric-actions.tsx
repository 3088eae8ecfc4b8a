/** What an editor can do with a metric: change it, switch it, delete it; and why somebody else cannot. */
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { type Definition, documentOf, draftOf, type Editing, isFed, type Session } from "../model/definition.ts";
import { dayAndTime, decimal, whole } from "../model/format.ts";
import type { Metric } from "../model/metrics.ts";

interface Props {
  metric: Metric;
  session: Session | null;
  editing: Editing;
  /** Opens the form. */
  change: () => void;
  /** Something is stored: what is shown is to be read again. */
  stored: (metric: Metric | null) => void;
}

const SWITCHES = [
  ["enabled", "On"],
  ["watched", "Watched"],
  ["forecast", "Forecast"],
] as const;

export function MetricActions({ metric, session, editing, change, stored }: Props) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  /** As it was just switched: it shows so until it is stored and read again. */
  const [switched, setSwitched] = useState<Metric | null>(null);
  const shown = switched && (busy || switched.revision > metric.revision) ? switched : metric;
  const dialog = useRef<HTMLDialogElement>(null);
  if (!session?.may_edit) return null;

  const attempt = async (what: () => Promise<string>) => {
    setBusy(true);
    setProblem("");
    try {
      setProblem(await what());
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy(false);
  };
  const toggle = (field: "enabled" | "watched" | "forecast") => {
    const wanted = { ...shown, [field]: !shown[field] };
    setSwitched(wanted);
    return attempt(async () => {
      const { document } = documentOf(draftOf(wanted));
      const result = await editing.store(metric.name, document as Definition, shown.revision);
      if ("conflict" in result) {
        stored(null);
        return "Somebody else changed it meanwhile: this is how it is now.";
      }
      if ("faults" in result) return result.faults.map((fault) => `${fault.field}: ${fault.error}`).join("; ");
      setSwitched(result.metric);
      stored(result.metric);
      return "";
    });
  };
  const remove = () =>
    attempt(async () => {
      const result = await editing.forget(metric.name, metric.revision);
      stored(null);
      return result ? "Somebody else changed it meanwhile, so it was not deleted: look at it again." : "";
    });
  const fed = isFed(metric);
  return (
    <div class="metric-actions">
      <div class="switches" role="group" aria-label="State">
        {SWITCHES.map(([field, title]) => (
          <label class="check" key={field}>
            <input type="checkbox" role="switch" checked={shown[field]} disabled={busy} onChange={() => void toggle(field)} />
            <span>{title}</span>
          </label>
        ))}
      </div>
      <button type="button" disabled={busy} onClick={change}>
        Change
      </button>
      {metric.revision > 0 && (
        <button type="button" disabled={busy} onClick={() => dialog.current?.showModal()}>
          {fed ? "Put back" : "Delete"}
        </button>
      )}
      {problem && (
        <p class="fault" role="alert">
          {problem}
        </p>
      )}
      <dialog ref={dialog} aria-label={fed ? "Put back?" : "Delete?"}>
        <form method="dialog">
          <h3>
            <span>
              {fed ? "Put back" : "Delete"} <bdi>{metric.name}</bdi>?
            </span>
          </h3>
          <p>{consequence(metric)}</p>
          <div class="actions">
            <button type="submit">Cancel</button>
            <button
              type="button"
              class="danger"
              onClick={() => {
                dialog.current?.close();
                void remove();
              }}
            >
              {fed ? "Put back" : "Delete"}
            </button>
          </div>
        </form>
      </dialog>
    </div>
  );
}

function consequence(metric: Metric): string {
  if (isFed(metric)) return "It is again as it is delivered. Nothing that was counted is lost.";
  if (metric.kind === "derived") return "It is computed no more, and KPIs that are computed from it have no value. What its terms counted goes with its time.";
  if (metric.source) return "It is counted no more, and what was counted cannot be asked. Defined again, it is filled from the events that are still kept.";
  return "Your definition is forgotten. It registers itself again with the next points that arrive.";
}

/** Why nothing can be changed here, and the way to change that. */
export function ReadOnly({ session, children }: { session: Session | null; children: ComponentChildren }) {
  if (!session || session.may_edit) return null;
  return (
    <div class="read-only" role="note">
      <p class="muted">
        <strong>Read-only.</strong> {session.why}
      </p>
      {children}
    </div>
  );
}

/** How far the history of a metric is filled, while it is. */
export function BackfillProgress({ metric }: { metric: Metric }) {
  const { backfill } = metric;
  if (!backfill) return null;
  const percent = Math.max(0, Math.min(100, backfill.percent));
  const done = backfill.state === "done";
  const from = backfill.rows ? ` from ${whole(backfill.rows)} stored events` : "";
  const part = `${decimal(percent, percent < 10 ? 1 : 0)} %${from}, back to ${dayAndTime(backfill.until)}`;
  return (
    <p class="backfill">
      <span>{done ? `History is filled${from}.` : `History is being filled: ${part}. What is older is not in the numbers yet.`}</span>
      {!done && (
        <span class="meter" role="progressbar" aria-label="History filled" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(percent)}>
          <span style={{ width: `${percent}%` }} />
        </span>
      )}
    </p>
  );
}
