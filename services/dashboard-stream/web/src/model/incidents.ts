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

/** Anomalies that begin so soon after one another are shown as one incident, whose first one began at most {@link SPREAD_MS} before. */
const GAP_MS = 120_000;
const SPREAD_MS = 300_000;

/**
 * Anomalies by the trouble that they are likely to be of: those that began at about the same time. Of each group the one to look at first
 * comes first: one that is open and evaluated, then the gravest, then the earliest. Groups with an open one come first, then the newest.
 * A group is open until all of it is over, so that their number does not change with each anomaly that opens or ends.
 */
export function together(incidents: readonly Incident[]): Incident[][] {
  const groups: Incident[][] = [];
  let begun = -Infinity;
  let last = -Infinity;
  for (const one of [...incidents].sort((a, b) => a.since - b.since)) {
    if (one.since - last > GAP_MS || one.since - begun > SPREAD_MS) {
      groups.push([]);
      begun = one.since;
    }
    last = one.since;
    groups.at(-1)?.push(one);
  }
  for (const group of groups) group.sort((a, b) => urgency(b) - urgency(a) || a.since - b.since);
  return groups.sort((a, b) => Number(isOpen(b)) - Number(isOpen(a)) || (b[0] as Incident).since - (a[0] as Incident).since);
}

export function isOpen(group: readonly Incident[]): boolean {
  return group.some((one) => one.open);
}

function urgency(one: Incident): number {
  const gravity = { info: 0, warning: 1, critical: 2 }[one.open ? one.severity : one.gravest];
  return (one.open ? 10 : 0) + (one.open && !one.unjudged ? 5 : 0) + gravity;
}

/** Latency is one thing, whether its mean or a percentile of it is unusual. */
const LEVELS = new Set(["avg", "p50", "p95", "p99"]);

/** Whether an incident is about what the reading `name` shows, whatever its labels. */
export function concerns(incident: Incident, name: string): boolean {
  const { metric, field } = incident.insight;
  const [shownMetric, shownField] = name.split(".");
  return metric === shownMetric && (field === shownField || (LEVELS.has(field) && LEVELS.has(shownField ?? "")));
}
