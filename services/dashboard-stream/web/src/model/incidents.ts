/** Incidents out of the insights of a board: which are open, which stand, and what they are about. Pure. */
import type { AnomalyEvent, InsightEvent } from "./board.ts";
import { duration } from "./format.ts";

/** An incident without updates is not known to be open: every open one is published again each half minute. */
export const SILENT_MS = 120_000;

/** How long a level that moved and did not come back is shown beside what is open. */
export const NEWS_MS = 3_600_000;

/** How long an incident that got no further update, and was never closed, is shown. */
export const LOST_MS = 600_000;

export const CATCHING_UP = "the predictor is catching up with the past";

export type Severity = "info" | "warning" | "critical";

export interface Incident {
  insight: AnomalyEvent;
  open: boolean;
  /** Why its present state is unknown. Empty: it is evaluated, or resolved. */
  unjudged: string;
  /** Closed without having recovered, since the detector takes it as the new normal, and nothing newer is the normal of its series. */
  stays: boolean;
  severity: Severity;
  /** The highest it was so far. */
  gravest: Severity;
  since: number;
  /** Until when it is known to last: its end, or its last update. */
  until: number;
}

/** Anomalies with a phase: open ones first, the newest first. */
export function incidents(insights: Iterable<InsightEvent>, now: number): Incident[] {
  const result: Incident[] = [];
  const settled = new Map<string, number>();
  for (const one of insights) {
    if (one.kind !== "anomaly" || !one.phase) continue;
    const open = one.phase !== "resolved" && now - one.at < SILENT_MS;
    const since = Math.min(one.since ?? one.at, one.at);
    const severity = known(one.severity);
    const stays = one.adapted === true;
    if (stays) settled.set(one.series, Math.max(one.at, settled.get(one.series) ?? one.at));
    result.push({ insight: one, open, unjudged: unjudged(one, now), stays, severity, gravest: one.gravest ? known(one.gravest) : severity, since, until: one.at });
  }
  for (const one of result) one.stays &&= settled.get(one.insight.series) === one.until;
  return result.sort((a, b) => Number(b.open) - Number(a.open) || b.since - a.since);
}

/** One of a later version counts as the least: whatever the page knows is more urgent. */
function known(severity: string | null | undefined): Severity {
  return severity === "warning" || severity === "critical" ? severity : "info";
}

/** Why the present state of an incident that is not over is unknown. */
function unjudged(insight: AnomalyEvent, now: number): string {
  if (insight.phase === "resolved") return "";
  if (now - insight.at >= SILENT_MS) return `no update for ${duration(now - insight.at)}`;
  if (insight.catching_up) return CATCHING_UP;
  return insight.unjudged ?? "";
}

/**
 * What somebody has to look at now: what is open, what of late became the new normal without having recovered, and what of late
 * got no further update.
 */
export function standing(incidents: readonly Incident[], now: number): Incident[] {
  return incidents.filter((one) => one.open || (one.stays && now - one.until < NEWS_MS) || (one.unjudged && now - one.until < LOST_MS));
}

/** Latency is one thing, whether its mean or a percentile of it is unusual. */
const LEVELS = new Set(["avg", "p50", "p95", "p99"]);

/** Whether an incident is about what the reading `name` shows, whatever its labels. */
export function concerns(incident: Incident, name: string): boolean {
  const { metric, field } = incident.insight;
  const [shownMetric, shownField] = name.split(".");
  return metric === shownMetric && (field === shownField || (LEVELS.has(field) && LEVELS.has(shownField ?? "")));
}
