/** What the models watch, still learn, or do not judge, and insights of other kinds. Pure. */
import type { AnomalyEvent, InsightEvent, NoteEvent } from "./board.ts";
import { subject } from "./finding.ts";

export interface Watching {
  /** Evaluated at present. */
  ready: string[];
  learning: string[];
  /** Known well enough, but with too few observations at present: each with the reason. */
  unjudged: string[];
}

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

/** What is monitored, still being learnt, or not evaluated, in words; of what is learnt how far, where the model says so. */
export function watched(insights: Iterable<InsightEvent>): Watching {
  const result: Watching = { ready: [], learning: [], unjudged: [] };
  for (const one of newest(insights)) {
    if (one.state === "learning") result.learning.push(subject(one) + (typeof one.confidence === "number" ? `, ${Math.round(one.confidence * 100)} %` : ""));
    else if (one.unjudged && !one.phase) result.unjudged.push(`${subject(one)}: ${one.unjudged}`);
    else result.ready.push(subject(one));
  }
  for (const list of Object.values(result)) list.sort();
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
