/** What the models watch, still learn, or do not judge, and insights of other kinds. Pure. */
import type { InsightEvent } from "./board.ts";
import { subject } from "./finding.ts";

export interface Watching {
  /** Judged at present. */
  ready: string[];
  learning: string[];
  /** Known well enough, but with too little to judge at present: each with the reason. */
  unjudged: string[];
}

/** The newest word on what is known of each series; a word on an incident of it where there is no other. */
function newest(insights: Iterable<InsightEvent>): Iterable<InsightEvent> {
  const found = new Map<string, InsightEvent>();
  for (const one of insights) {
    if (one.kind !== "anomaly") continue;
    const known = found.get(one.series);
    const better = !known || (Boolean(one.phase) === Boolean(known.phase) ? known.at <= one.at : !one.phase);
    if (better) found.set(one.series, one);
  }
  return found.values();
}

/** What is watched, what is still being learnt, and what is not judged, in words; of what is learnt how far, where the model says so. */
export function watched(insights: Iterable<InsightEvent>): Watching {
  const found: Watching = { ready: [], learning: [], unjudged: [] };
  for (const one of newest(insights)) {
    if (one.state === "learning") found.learning.push(subject(one) + (typeof one.confidence === "number" ? `, ${Math.round(one.confidence * 100)} %` : ""));
    else if (one.unjudged && !one.phase) found.unjudged.push(`${subject(one)}: ${one.unjudged}`);
    else found.ready.push(subject(one));
  }
  for (const list of Object.values(found)) list.sort();
  return found;
}

/** The series of which it is not known yet what is normal. */
export function learningSeries(insights: Iterable<InsightEvent>): ReadonlySet<string> {
  return new Set([...newest(insights)].filter((one) => one.state === "learning").map((one) => one.series));
}

/** Insights of later kinds, recommendations for one: told as they are. The newest first. */
export function notes(insights: Iterable<InsightEvent>): InsightEvent[] {
  return [...insights].filter((one) => !one.phase && one.kind !== "anomaly" && one.kind !== "forecast").sort((a, b) => b.at - a.at);
}
