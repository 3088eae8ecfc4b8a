/** Which insights stand, and what they say in words. Pure. */
import type { Told } from "./board.ts";
import type { Units } from "./catalogue.ts";
import { duration, inWords, NONE, time } from "./format.ts";
import { spoken, title } from "./names.ts";

/** An incident that is told no more is not known to stand: every open one is told again each half minute. */
export const SILENT_MS = 120_000;

/** So long a level that moved and did not come back is news, beside what is open. */
export const NEWS_MS = 3_600_000;

export type Severity = "info" | "warning" | "critical";

export interface Incident {
  told: Told;
  open: boolean;
  /** Closed without having recovered, since the detector takes it as the new normal, and no incident of its series began since. */
  stays: boolean;
  severity: Severity;
  /** The highest it was so far. */
  gravest: Severity;
  since: number;
  /** Until when it is known to last: its end, or when it was told last. */
  until: number;
}

/** Anomalies and incidents with a phase: open ones first, the newest first. */
export function incidents(told: Iterable<Told>, now: number): Incident[] {
  const found: Incident[] = [];
  const begun = new Map<string, number>();
  for (const one of told) {
    if (!one.phase) continue;
    const open = one.phase !== "resolved" && now - one.at < SILENT_MS;
    const since = Math.min(one.since ?? one.at, one.at);
    const severity = one.severity ?? "info";
    begun.set(one.series, Math.max(since, begun.get(one.series) ?? since));
    found.push({ told: one, open, stays: one.adapted === true, severity, gravest: one.gravest ?? severity, since, until: one.at });
  }
  for (const one of found) one.stays &&= (begun.get(one.told.series) ?? 0) <= one.until;
  return found.sort((a, b) => Number(b.open) - Number(a.open) || b.since - a.since);
}

/** What somebody has to look at now: what is open, and what of late became the new normal without having recovered. */
export function standing(incidents: readonly Incident[], now: number): Incident[] {
  return incidents.filter((one) => one.open || (one.stays && now - one.until < NEWS_MS));
}

/** Latency is one thing, whether its mean or a percentile of it is unusual. */
const LEVELS = new Set(["avg", "p50", "p95", "p99"]);

/** Whether an incident is about what the reading `name` shows, whatever its labels. */
export function concerns(incident: Incident, name: string): boolean {
  const { metric, field } = incident.told;
  const [shownMetric, shownField] = name.split(".");
  return metric === shownMetric && (field === shownField || (LEVELS.has(field) && LEVELS.has(shownField ?? "")));
}

/** The newest word of the detectors on each series. */
function newest(told: Iterable<Told>): Iterable<Told> {
  const found = new Map<string, Told>();
  for (const one of told) {
    if (one.kind !== "anomaly") continue;
    const known = found.get(one.series);
    if (!known || known.at <= one.at) found.set(one.series, one);
  }
  return found.values();
}

/** What is watched and what is still being learnt, in words; of the latter how far, where the model says so. */
export function watched(told: Iterable<Told>): { ready: string[]; learning: string[] } {
  const ready: string[] = [];
  const learning: string[] = [];
  for (const one of newest(told)) {
    if (one.state === "ready") ready.push(subject(one));
    else learning.push(subject(one) + (typeof one.confidence === "number" ? `, ${Math.round(one.confidence * 100)} %` : ""));
  }
  return { ready: ready.sort(), learning: learning.sort() };
}

/** The series of which it is not known yet what is normal. */
export function learningSeries(told: Iterable<Told>): ReadonlySet<string> {
  return new Set([...newest(told)].filter((one) => one.state === "learning").map((one) => one.series));
}

/** Insights of later kinds, recommendations for one: told as they are. The newest first. */
export function notes(told: Iterable<Told>): Told[] {
  return [...told].filter((one) => !one.phase && one.kind !== "anomaly" && one.kind !== "forecast").sort((a, b) => b.at - a.at);
}

/** `Request duration p95 · wisdom` */
export function subject(told: Told): string {
  const about = Object.values(told.labels ?? {}).map(spoken);
  return [title(told.metric, told.field), ...about].join(" · ");
}

/**
 * `1.9 s, expected 200 ms to 400 ms: 4.8 times as much`; the model's own sentence where it gave no numbers. Of what became the
 * new normal `stays at 1.9 s, expected 200 ms to 400 ms before: the new normal`, and `stayed` where it does no longer.
 */
export function finding(told: Told, units: Units, stays = true): string {
  const { value, expected, lower, upper } = told;
  if (value === undefined || value === null) return told.message ?? "";
  const unit = units.ofField(told.metric, told.field);
  if (told.adapted) {
    const before = expectedBefore(told, unit);
    return `${stays ? "stays" : "stayed"} at ${inWords(value, unit)}${before && `, expected ${before} before`}: the new normal`;
  }
  const now = told.phase === "resolved" ? `back at ${inWords(value, unit)}` : inWords(value, unit);
  if (lower === undefined || lower === null || upper === undefined || upper === null) return now;
  const band = `expected ${inWords(lower, unit)} to ${inWords(upper, unit)}`;
  const times = unit === "share" || told.phase === "resolved" ? "" : ratio(value, expected ?? null);
  return `${now}, ${band}${times ? `: ${times}` : ""}`;
}

function expectedBefore({ expected, lower, upper }: Told, unit: string): string {
  if (typeof lower === "number" && typeof upper === "number") return `${inWords(lower, unit)} to ${inWords(upper, unit)}`;
  return typeof expected === "number" ? inWords(expected, unit) : "";
}

function ratio(value: number, expected: number | null): string {
  if (expected === null || expected <= 0 || value <= 0) return "";
  if (value >= expected * 1.2) return `${factor(value / expected)} times as much`;
  return value <= expected / 1.2 ? `${part(expected / value)} as much` : "";
}

function factor(times: number): string {
  return times >= 10 ? String(Math.round(times)) : times.toFixed(1);
}

function part(times: number): string {
  if (times < 1.75) return `${(1 / times).toFixed(1)} times`;
  const names: Record<number, string> = { 2: "half", 3: "a third", 4: "a quarter", 5: "a fifth" };
  return names[Math.round(times)] ?? `1/${factor(times)}`;
}

/** `since 12:03:10, for 2 min` or `12:03:10 to 12:05:20, 2 min 10 s`; `since 12:03:10, the new normal from 12:08:10 on`. */
export function span(incident: Incident, now: number): string {
  const from = incident.since ? time(incident.since) : NONE;
  if (incident.open) return `since ${from}, for ${duration(now - incident.since)}`;
  if (incident.stays) return `since ${from}, the new normal from ${time(incident.until)} on`;
  return `${from} to ${time(incident.until)}, ${duration(incident.until - incident.since)}`;
}

export interface Health {
  word: string;
  tone: "good" | "warn" | "bad" | "quiet";
  why: string;
}

/** The dashboard in one word; `found` is what stands now, {@link standing}. */
export function health(found: readonly Incident[], watching: { ready: string[]; learning: string[] }): Health {
  const open = found.filter((incident) => incident.open);
  const critical = open.filter((incident) => incident.severity === "critical").length;
  if (critical) return { word: "Unwell", tone: "bad", why: counted(open.length, "open anomaly", "open anomalies") };
  if (open.length) return { word: "Needs attention", tone: "warn", why: counted(open.length, "open anomaly", "open anomalies") };
  if (found.length) {
    const tone = found.some((incident) => incident.severity === "critical") ? "bad" : "warn";
    return { word: "Not recovered", tone, why: `${counted(found.length, "anomaly", "anomalies")} taken as the new normal` };
  }
  if (!watching.ready.length && watching.learning.length) {
    return { word: "Learning", tone: "quiet", why: "the models do not know yet what is normal" };
  }
  if (!watching.ready.length) return { word: "No anomalies", tone: "quiet", why: "no model has told of one yet" };
  return { word: "Healthy", tone: "good", why: "no open anomaly" };
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
