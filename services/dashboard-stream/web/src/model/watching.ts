/** What the models watch, still learn, or do not judge, and insights of other kinds. Pure. */
import type { AnomalyEvent, InsightEvent, NoteEvent } from "./board.ts";
import { subject } from "./finding.ts";
import { title } from "./names.ts";

export interface Watching {
  /** Evaluated at present. */
  ready: string[];
  learning: string[];
  /** Known well enough, but with too few observations at present: each with the reason. */
  unjudged: string[];
  /** Metrics with series for which there is no room: each with the reason. */
  unwatched: string[];
}

/** The reason is repeated every five minutes while it holds. */
const UNWATCHED_MS = 15 * 60_000;

/** The newest state of each series; that of an incident where there is no other. */
function newest(insights: Iterable<InsightEvent>): Iterable<AnomalyEvent> {
  const result = new Map<string, AnomalyEvent>();
  for (const one of insights) {
    if (one.kind !== "anomaly") continue;
    const known = result.get(one.series);
    const better = !known || (Boolean(one.phase) === Boolean(known.phase) ? known.at <= one.at : !one.phase);
    if (better) result.set(one.series, one);
  }
  return result.values();
}

/** What is monitored, still being learnt, not evaluated or not watched, in words; of what is learnt how far, where the model says so. */
export function watched(insights: Iterable<InsightEvent>, now: number): Watching {
  const result: Watching = { ready: [], learning: [], unjudged: [], unwatched: [] };
  for (const one of newest(insights)) {
    if (one.field === "") {
      // About the metric as a whole: that there is no room for some of its series, or room again.
      if (one.unjudged && now - one.at < UNWATCHED_MS) result.unwatched.push(one.message ?? `${title(one.metric, "")}: ${one.unjudged}`);
    } else if (one.state === "learning") result.learning.push(subject(one) + (typeof one.confidence === "number" ? `, ${Math.round(one.confidence * 100)} %` : ""));
    else if (one.unjudged && !one.phase) result.unjudged.push(`${subject(one)}: ${one.unjudged}`);
    else result.ready.push(subject(one));
  }
  for (const list of Object.values(result)) list.sort();
  return result;
}

/** Why some series of a metric are not watched, by the metric's token. */
export function unwatchedReasons(insights: Iterable<InsightEvent>): ReadonlyMap<string, string> {
  const result = new Map<string, string>();
  for (const one of insights) if (one.kind === "anomaly" && one.unjudged) result.set(one.metric, one.message ?? one.unjudged);
  return result;
}

/** The series of which it is not known yet what is normal. */
export function learningSeries(insights: Iterable<InsightEvent>): ReadonlySet<string> {
  return new Set([...newest(insights)].filter((one) => one.state === "learning").map((one) => one.series));
}

/** Insights about no single series, recommendations for one: shown as they are. The newest first. */
export function notes(insights: Iterable<InsightEvent>): NoteEvent[] {
  return [...insights].filter((one) => one.kind !== "anomaly" && one.kind !== "forecast").sort((a, b) => b.at - a.at);
}
