/** Which insights stand, and what they say in words. Pure. */
import type { Told } from "./board.ts";
import type { Units } from "./catalogue.ts";
import { duration, inWords, NONE, time } from "./format.ts";
import { called, title } from "./names.ts";

/** An incident that is told no more is not known to stand: every open one is told again each half minute. */
export const SILENT_MS = 120_000;

/** So long a level that moved and did not come back is news, beside what is open. */
export const NEWS_MS = 3_600_000;

/** An incident that was told no further, and never closed, is remembered for so long. */
export const LOST_MS = 600_000;

/** A predictor that forecast each minute and has said nothing for so long judges nothing either. */
export const MUTE_MS = 300_000;

const CATCHING_UP = "the predictor is catching up with the past";

/** So many or fewer are counted out. */
const FEW = 100;

export type Severity = "info" | "warning" | "critical";

export interface Incident {
  told: Told;
  open: boolean;
  /** Why nobody knows how it stands now: it is neither good nor bad then. Empty: it is judged, or over. */
  unjudged: string;
  /** Closed without having recovered, since the detector takes it as the new normal, and nothing newer is the normal of its series. */
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
  const settled = new Map<string, number>();
  for (const one of told) {
    if (!one.phase) continue;
    const open = one.phase !== "resolved" && now - one.at < SILENT_MS;
    const since = Math.min(one.since ?? one.at, one.at);
    const severity = one.severity ?? "info";
    const stays = one.adapted === true;
    if (stays) settled.set(one.series, Math.max(one.at, settled.get(one.series) ?? one.at));
    found.push({ told: one, open, unjudged: unjudged(one, now), stays, severity, gravest: one.gravest ?? severity, since, until: one.at });
  }
  for (const one of found) one.stays &&= settled.get(one.told.series) === one.until;
  return found.sort((a, b) => Number(b.open) - Number(a.open) || b.since - a.since);
}

/** Why nobody knows how an incident that is not over stands now. */
function unjudged(told: Told, now: number): string {
  if (told.phase === "resolved") return "";
  if (now - told.at >= SILENT_MS) return `nothing was told of it for ${duration(now - told.at)}`;
  if (told.catching_up) return CATCHING_UP;
  return told.unjudged ?? "";
}

/**
 * What somebody has to look at now: what is open, what of late became the new normal without having recovered, and what of late
 * was told no further.
 */
export function standing(incidents: readonly Incident[], now: number): Incident[] {
  return incidents.filter((one) => one.open || (one.stays && now - one.until < NEWS_MS) || (one.unjudged && now - one.until < LOST_MS));
}

/** Latency is one thing, whether its mean or a percentile of it is unusual. */
const LEVELS = new Set(["avg", "p50", "p95", "p99"]);

/** Whether an incident is about what the reading `name` shows, whatever its labels. */
export function concerns(incident: Incident, name: string): boolean {
  const { metric, field } = incident.told;
  const [shownMetric, shownField] = name.split(".");
  return metric === shownMetric && (field === shownField || (LEVELS.has(field) && LEVELS.has(shownField ?? "")));
}

export interface Watching {
  /** Judged at present. */
  ready: string[];
  learning: string[];
  /** Known well enough, but with too little to judge at present: each with the reason. */
  unjudged: string[];
}

/** The newest word on what is known of each series; a word on an incident of it where there is no other. */
function newest(told: Iterable<Told>): Iterable<Told> {
  const found = new Map<string, Told>();
  for (const one of told) {
    if (one.kind !== "anomaly") continue;
    const known = found.get(one.series);
    const better = !known || (Boolean(one.phase) === Boolean(known.phase) ? known.at <= one.at : !one.phase);
    if (better) found.set(one.series, one);
  }
  return found.values();
}

/** What is watched, what is still being learnt, and what is not judged, in words; of what is learnt how far, where the model says so. */
export function watched(told: Iterable<Told>): Watching {
  const found: Watching = { ready: [], learning: [], unjudged: [] };
  for (const one of newest(told)) {
    if (one.state === "learning") found.learning.push(subject(one) + (typeof one.confidence === "number" ? `, ${Math.round(one.confidence * 100)} %` : ""));
    else if (one.unjudged && !one.phase) found.unjudged.push(`${subject(one)}: ${one.unjudged}`);
    else found.ready.push(subject(one));
  }
  for (const list of Object.values(found)) list.sort();
  return found;
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
  const about = Object.entries(told.labels ?? {}).map(([label, value]) => called(label, value, told.service_name));
  return [title(told.metric, told.field), ...about].join(" · ");
}

/**
 * `1.9 s over 8 s, expected 200 ms to 400 ms: 4.8 times as much`; the model's own sentence where it gave no numbers. Of what became
 * the new normal `stays at 1.9 s, expected 200 ms to 400 ms before: the new normal`, and `stayed` where it does no longer. Of what
 * is not judged why, and what it was judged by last.
 */
export function finding(told: Told, units: Units, stays = true): string {
  const { value } = told;
  const judged = value === undefined || value === null ? (told.unjudged ? "" : (told.message ?? "")) : measured(told, value, units, stays);
  if (!told.unjudged) return judged;
  if (told.phase === "resolved") return `not judged any more, ${told.unjudged}: whether it recovered is not known`;
  const last = told.judged_at ? `last judged at ${time(told.judged_at)}: ` : "last judged: ";
  return `not judged: ${told.unjudged}` + (judged && `; ${last}${judged}`);
}

function measured(told: Told, value: number, units: Units, stays: boolean): string {
  const { expected, lower, upper } = told;
  const unit = units.ofField(told.metric, told.field);
  const over = told.window_ms ? ` over ${duration(told.window_ms)}` : "";
  if (told.adapted) {
    const before = expectedBefore(told, unit);
    return `${stays ? "stays" : "stayed"} at ${inWords(told.observed ?? value, unit)}${before && `, expected ${before} before`}: the new normal`;
  }
  if (told.statistic === "gap") return `nothing came for ${duration(told.window_ms ?? 0)}, expected no longer than ${duration(longestGap(lower))}`;
  if (told.statistic === "likelihood") {
    const mean = `${inWords(told.observed, unit)} on average${over}, usually ${inWords(told.usual, unit)}`;
    return `${mean}: slower than its last minutes explain, evidence ${value.toFixed(1)}, expected ${(lower ?? 0).toFixed(1)} to ${(upper ?? 0).toFixed(1)}`;
  }
  const now = `${told.phase === "resolved" ? "back at " : ""}${inWords(value, unit)}${countedIn(told, value, unit)}${over}`;
  if (typeof lower !== "number" || typeof upper !== "number") return now;
  const band = `expected ${inWords(lower, unit)} to ${inWords(upper, unit)}`;
  const outside = value < lower || value > upper;
  const times = unit === "share" || told.phase === "resolved" || !outside ? "" : ratio(value, expected ?? null);
  return `${now}, ${band}${times ? `: ${times}` : ""}`;
}

/** ` (7 of 16)`, ` (3)`: of what is rare, how many there were. */
function countedIn(told: Told, value: number, unit: string): string {
  const seen = told.observations;
  if (unit === "share" && seen && seen <= FEW) return ` (${Math.round(value * seen)} of ${Math.round(seen)})`;
  if (told.field !== "rate" || !told.window_ms) return "";
  const count = (value * told.window_ms) / 1000;
  return count <= FEW ? ` (${Math.round(count)})` : "";
}

/** Milliseconds: where at least one event is expected in so long. */
function longestGap(lower: number | null | undefined): number {
  return lower ? 1000 / lower : 0;
}

function expectedBefore({ expected, lower, upper, usual, unit: other }: Told, unit: string): string {
  if (typeof other === "string") return typeof usual === "number" ? inWords(usual, unit) : "";
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

/** The words of the page's connection under which something is judged; of {@link INCOMPLETE} numbers only what is wrong. */
const INCOMPLETE = "incomplete";
const JUDGED = new Set(["live", "paused", INCOMPLETE]);

/**
 * The dashboard in one word; `found` is what stands now, {@link standing}. Only what is judged makes it well or unwell. `page`
 * is the word of {@link status}: numbers that are old, or still being read, are judged by nobody. `silent`: {@link silence}.
 */
export function health(found: readonly Incident[], watching: Watching, page = "live", silent = 0): Health {
  if (page === "catching up") return { word: "Catching up", tone: "quiet", why: "the recent past is still being read" };
  if (!JUDGED.has(page)) return { word: "Not judged", tone: "quiet", why: "there are no new numbers" };
  const open = found.filter((incident) => incident.open && !incident.unjudged);
  const critical = open.filter((incident) => incident.severity === "critical").length;
  if (critical) return { word: "Unwell", tone: "bad", why: counted(open.length, "open anomaly", "open anomalies") };
  if (open.length) return { word: "Needs attention", tone: "warn", why: counted(open.length, "open anomaly", "open anomalies") };
  const settled = found.filter((incident) => incident.stays);
  if (settled.length) {
    const tone = settled.some((incident) => incident.severity === "critical") ? "bad" : "warn";
    return { word: "Not recovered", tone, why: `${counted(settled.length, "anomaly", "anomalies")} taken as the new normal` };
  }
  const unknown = found.filter((incident) => incident.unjudged);
  const [first] = unknown;
  if (first) {
    const word = unknown.every((incident) => incident.unjudged === CATCHING_UP) ? "Catching up" : "Not judged";
    return { word, tone: "quiet", why: `${counted(unknown.length, "anomaly", "anomalies")}: ${first.unjudged}` };
  }
  if (!watching.ready.length && watching.unjudged.length) return { word: "Not judged", tone: "quiet", why: watching.unjudged[0] ?? "" };
  if (!watching.ready.length && watching.learning.length) {
    return { word: "Learning", tone: "quiet", why: "the models do not know yet what is normal" };
  }
  if (!watching.ready.length) return { word: "No anomalies", tone: "quiet", why: "no model has told of one yet" };
  if (page === INCOMPLETE) return { word: "Not judged", tone: "quiet", why: "the numbers are not complete" };
  if (silent >= MUTE_MS) return { word: "Not judged", tone: "quiet", why: `the predictor has said nothing for ${duration(silent)}` };
  const rest = watching.unjudged.length ? `; ${watching.unjudged.length} series not judged` : "";
  return { word: "Healthy", tone: "good", why: `no open anomaly${rest}` };
}

/** How long the predictor has said nothing, where it is known to speak: a forecast of the next minutes is made each minute. */
export function silence(told: Iterable<Told>, now: number): number {
  const forecasts = [...told].filter((one) => one.kind === "forecast" && typeof one.horizon_ms === "number");
  const nearest = Math.min(...forecasts.map((one) => one.horizon_ms as number));
  const newest = Math.max(...forecasts.filter((one) => one.horizon_ms === nearest).map((one) => one.at));
  return forecasts.length ? Math.max(0, now - newest) : 0;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
