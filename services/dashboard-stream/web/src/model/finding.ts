/** One incident in words: its subject, what was measured beside what was expected, and since when. Pure. */
import type { AnomalyEvent, ForecastEvent, NoteEvent } from "./board.ts";
import type { Units } from "./catalogue.ts";
import { capital, decimal, duration, edgeInWords, inWords, isolated, NONE, time, whole } from "./format.ts";
import type { Incident } from "./incidents.ts";
import { labelText, title } from "./names.ts";

/** So many or fewer are counted out. */
const FEW = 100;

/** `Request duration p95 · wisdom` */
export function subject(insight: AnomalyEvent | ForecastEvent): string {
  const about = Object.entries(insight.labels ?? {}).map(([label, value]) => isolated(labelText(label, value, insight.service_name)));
  return [title(insight.metric, insight.field), ...about].join(" · ");
}

/** `Incident · retrieval, wisdom`, `Deployment · wisdom`: what is about no single series. */
export function noteTitle(note: NoteEvent): string {
  const services = (note.services ?? []).join(", ");
  return capital(note.kind === "change" ? (note.change ?? "change") : note.kind) + (services && ` · ${services}`);
}

/**
 * `1.9 s over 8 s, expected 200 ms to 400 ms: 4.8 times as much`; the model's own sentence where it gave no numbers. Of what became
 * the new normal `stays at 1.9 s, expected 200 ms to 400 ms before: the new normal`, and `stayed` where it does no longer. Of what
 * is not evaluated the reason, and the last evaluation.
 */
export function finding(insight: AnomalyEvent, units: Units, stays = true): string {
  const { value } = insight;
  const judged = value === undefined || value === null ? (insight.unjudged ? "" : (insight.message ?? "")) : measured(insight, value, units, stays);
  if (!insight.unjudged) return judged;
  if (insight.phase === "resolved") return `no longer evaluated, ${insight.unjudged}: whether it recovered is unknown`;
  const last = insight.judged_at ? `last evaluated at ${time(insight.judged_at)}: ` : "last evaluated: ";
  return `not evaluated: ${insight.unjudged}` + (judged && `; ${last}${judged}`);
}

function measured(insight: AnomalyEvent, value: number, units: Units, stays: boolean): string {
  const { expected, lower, upper } = insight;
  const unit = units.ofField(insight.metric, insight.field);
  const over = insight.window_ms ? ` over ${duration(insight.window_ms)}` : "";
  if (insight.adapted) {
    const before = expectedBefore(insight, unit);
    return `${stays ? "stays" : "stayed"} at ${inWords(insight.observed ?? value, unit)}${before && `, expected ${before} before`}: the new normal`;
  }
  if (insight.statistic === "gap") return `no events for ${duration(insight.window_ms ?? 0)}, expected at least one every ${duration(longestGap(lower))}`;
  if (insight.statistic === "likelihood") {
    const mean = `${inWords(insight.observed, unit)} on average${over}, usually ${inWords(insight.usual, unit)}`;
    return `${mean}: slower than its last minutes explain (score ${decimal(value, 1)}, normal up to ${decimal(upper ?? 0, 1)})`;
  }
  const now = `${insight.phase === "resolved" ? "back at " : ""}${inWords(value, unit)}${countedIn(insight, value, unit)}${over}`;
  if (typeof lower !== "number" || typeof upper !== "number") return now;
  const band = `expected ${edgeInWords(lower, unit)} to ${edgeInWords(upper, unit)}`;
  const outside = value < lower || value > upper;
  const times = unit === "share" || insight.phase === "resolved" || !outside ? "" : ratio(value, expected ?? null);
  return `${now}, ${band}${times ? `: ${times}` : ""}`;
}

/** ` (7 of 16)`, ` (3)`: of what is rare, how many there were. */
function countedIn(insight: AnomalyEvent, value: number, unit: string): string {
  const seen = insight.observations;
  if (unit === "share" && seen && seen <= FEW) return ` (${whole(value * seen)} of ${whole(seen)})`;
  if (insight.field !== "rate" || !insight.window_ms) return "";
  const count = (value * insight.window_ms) / 1000;
  return count <= FEW ? ` (${whole(count)})` : "";
}

/** Milliseconds: where at least one event is expected in so long. */
function longestGap(lower: number | null | undefined): number {
  return lower ? 1000 / lower : 0;
}

function expectedBefore({ expected, lower, upper, usual, unit: other }: AnomalyEvent, unit: string): string {
  if (typeof other === "string") return typeof usual === "number" ? inWords(usual, unit) : "";
  if (typeof lower === "number" && typeof upper === "number") return `${edgeInWords(lower, unit)} to ${edgeInWords(upper, unit)}`;
  return typeof expected === "number" ? inWords(expected, unit) : "";
}

function ratio(value: number, expected: number | null): string {
  if (expected === null || expected <= 0 || value <= 0) return "";
  if (value >= expected * 1.2) return `${factor(value / expected)} times as much`;
  return value <= expected / 1.2 ? `${part(expected / value)} as much` : "";
}

function factor(times: number): string {
  return times >= 10 ? whole(times) : decimal(times, 1);
}

function part(times: number): string {
  if (times < 1.75) return `${decimal(1 / times, 1)} times`;
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
