/**
 * What a dashboard shows, as its address says it: from when to when, whether it stands still, in which zone, and which lines are
 * hidden. Pure.
 *
 * Instants are written as in questions (`docs/query.md`): `now`, `now-2h`, `now-1d/d` (rounded down to the day; as `to`, up), ISO
 * 8601, or epoch ms. What has no zone of its own is read in the zone that is shown.
 */
import { type Comparison, isComparison } from "./compared.ts";
import { instantIn } from "./zones.ts";

export interface Shown {
  from: string;
  to: string;
  /** When it was paused, in epoch ms; 0: it moves. */
  paused: number;
  utc: boolean;
  /** So many times as fast as it was the range is played; 0: it is shown as a whole. */
  replay: number;
  /** The period before that it is compared with. */
  compare: Comparison | null;
  /** Lines that are not drawn, as {@link lineKey} names them. */
  hidden: ReadonlySet<string>;
}

/** Epoch ms. */
export interface Bounds {
  from: number;
  to: number;
}

export const NOW = "now";
export const FIRST: Shown = { from: "now-5m", to: NOW, paused: 0, utc: false, replay: 0, compare: null, hidden: new Set() };

const UNITS_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const RELATIVE = /^now((?:[+-]\d{1,6}[smhdw])*)(?:\/([mhdw]))?$/;
const STEP = /([+-])(\d+)([smhdw])/g;
const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?)?(Z|[+-]\d{2}:?\d{2})?$/i;
/** The years that an instant may lie in: others are mistakes. */
const EARLIEST_MS = Date.UTC(1971, 0);
const LATEST_MS = Date.UTC(2100, 0);
/** So far may the clock of another machine be ahead. */
const CLOCKS_MS = 86_400_000;
/** What is shorter shows nothing. */
export const LEAST_MS = 5_000;

/** The instant that `text` names at the time `now`; `null` where it names none. `end`: it is rounded up. */
export function instantOf(text: string, now: number, utc: boolean, end = false): number | null {
  const wanted = text.trim();
  const relative = RELATIVE.exec(wanted.toLowerCase());
  const at = relative ? relativeTo(now, relative[1] ?? "", relative[2], utc, end) : absolute(wanted, utc);
  return at !== null && at >= EARLIEST_MS && at <= LATEST_MS ? at : null;
}

function relativeTo(now: number, steps: string, unit: string | undefined, utc: boolean, end: boolean): number {
  let at = now;
  for (const [, sign, count, of] of steps.matchAll(STEP)) at += (sign === "-" ? -1 : 1) * Number(count) * (UNITS_MS[of as string] as number);
  return unit ? rounded(at, unit, utc, end) : at;
}

/** `at` rounded to the minute, hour, day or week (from Monday) that it lies in, as the clock of the zone says. */
function rounded(at: number, unit: string, utc: boolean, end: boolean): number {
  const zone = utc ? 0 : -new Date(at).getTimezoneOffset() * 60_000;
  if (unit === "m" || unit === "h") {
    // Of an hour that the clock shows twice the one that it is: its reading does not say which.
    const ms = UNITS_MS[unit] as number;
    return Math.floor((at + zone) / ms) * ms - zone + (end ? ms : 0);
  }
  const clock = new Date(at + zone);
  clock.setUTCHours(0, 0, 0, 0);
  if (unit === "w") clock.setUTCDate(clock.getUTCDate() - ((clock.getUTCDay() + 6) % 7));
  if (end) clock.setTime(clock.getTime() + (UNITS_MS[unit] as number));
  return instantIn([clock.getUTCFullYear(), clock.getUTCMonth(), clock.getUTCDate(), clock.getUTCHours(), clock.getUTCMinutes(), 0, 0], utc);
}

function absolute(text: string, utc: boolean): number | null {
  if (/^\d{12,13}$/.test(text)) return Number(text);
  const match = ISO.exec(text);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
  const milli = Number((match[7] ?? "0").padEnd(3, "0"));
  // The 31st of a month that has none is no instant, whatever `Date` makes of it.
  const calendar = new Date(Date.UTC(year, month - 1, day));
  if (calendar.getUTCMonth() !== month - 1 || calendar.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) return null;
  const zone = match[8];
  if (!zone) return instantIn([year, month - 1, day, hour, minute, second, milli], utc);
  const clock = Date.UTC(year, month - 1, day, hour, minute, second, milli);
  if (/z/i.test(zone)) return clock;
  const digits = zone.slice(1).replace(":", "");
  const offset = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return clock - (zone.startsWith("-") ? -1 : 1) * offset * 60_000;
}

/** Why `from` and `to` make no range; empty where they do. */
export function fault(from: string, to: string, now: number, utc: boolean): { field: "from" | "to"; why: string } | null {
  const form = "write now-2h, a date with a time such as 2026-03-01 14:30, or epoch milliseconds";
  const [start, end] = [instantOf(from, now, utc), instantOf(to, now, utc, true)];
  if (start === null) return { field: "from", why: `“${from}” is no time: ${form}.` };
  if (end === null) return { field: "to", why: `“${to}” is no time: ${form}.` };
  if (start >= now) return { field: "from", why: "The range begins in the future." };
  if (end - start < LEAST_MS) return { field: "to", why: start >= end ? "The end lies before the beginning." : "The range is shorter than 5 seconds." };
  return null;
}

/** Of the query of an address; what it does not say, or says wrongly, is as from the start. */
export function shownOf(query: string, now: number): Shown {
  const given = new URLSearchParams(query);
  const utc = given.get("tz")?.toLowerCase() === "utc";
  const [from, to] = [given.get("from") ?? FIRST.from, given.get("to") ?? NOW];
  const range = fault(from, to, now, utc) ? { from: FIRST.from, to: NOW } : { from, to };
  const paused = range.to === NOW ? (instantOf(given.get("paused") ?? "", now, true) ?? 0) : 0;
  const compare = given.get("compare");
  const replay = speedOf(given.get("replay"));
  const still = paused <= now + CLOCKS_MS ? paused : 0;
  // What is played does not move on with the present: it begins and ends where it did when it was opened.
  const played = replay && range.to !== NOW ? fixed(range, now, utc) : range;
  return { ...played, paused: still || (replay && range.to === NOW ? Math.floor(now / 1000) * 1000 : 0), utc, replay, compare: isComparison(compare) ? compare : null, hidden: new Set(given.getAll("hide").filter(Boolean)) };
}

/** The same range in instants. */
function fixed({ from, to }: Pick<Shown, "from" | "to">, now: number, utc: boolean): Pick<Shown, "from" | "to"> {
  const bounds = boundsOf({ from, to, paused: 0, utc }, now);
  return { from: iso(bounds.from), to: iso(bounds.to) };
}

/** The query that says `shown`, with its `?`; empty where it is as from the start. Parameters that are of others are kept. */
export function queryOf(shown: Shown, query = ""): string {
  const said = new URLSearchParams(query);
  for (const name of ["from", "to", "paused", "tz", "replay", "compare", "hide"]) said.delete(name);
  if (shown.from !== FIRST.from || shown.to !== NOW) {
    said.set("from", shown.from);
    said.set("to", shown.to);
  }
  if (shown.paused) said.set("paused", iso(shown.paused));
  if (shown.utc) said.set("tz", "utc");
  if (shown.replay) said.set("replay", String(shown.replay));
  if (shown.compare) said.set("compare", shown.compare);
  for (const line of shown.hidden) said.append("hide", line);
  // Colons are allowed in a query, and times are read by people.
  const text = said.toString().replaceAll("%3A", ":");
  return text && `?${text}`;
}

/** As fast as a link may play a range: 1 to 60; 0: not at all. */
function speedOf(text: string | null): number {
  const speed = Number(text ?? 0);
  return Number.isFinite(speed) && speed >= 1 ? Math.min(60, Math.round(speed)) : 0;
}

/** The same without what belongs to one dashboard alone: what a link to another one takes along. */
export function timeQueryOf(shown: Shown): string {
  return queryOf({ ...shown, replay: 0, hidden: FIRST.hidden });
}

/** `2026-03-01T14:30:05.120Z`; whole seconds without their thousandths. */
export function iso(at: number): string {
  return new Date(at).toISOString().replace(".000Z", "Z");
}

/** Whether the range ends with the present and moves with it. */
export function follows({ to, paused }: Shown): boolean {
  return to === NOW && !paused;
}

/** From when to when, at the time `now`. */
export function boundsOf({ from, to, paused, utc }: Pick<Shown, "from" | "to" | "paused" | "utc">, now: number): Bounds {
  const at = paused || now;
  return { from: instantOf(from, at, utc) ?? at, to: instantOf(to, at, utc, true) ?? at };
}

/** What the line `series` of the chart `chart` is called in an address. */
export function lineKey(chart: string, series: string): string {
  return `${chart}~${series}`;
}

/** `lines` of a chart after a click on `line`: `alone` shows it without the others, and all of them where it is alone already. */
export function toggled(hidden: ReadonlySet<string>, line: string, lines: readonly string[], alone: boolean): Set<string> {
  const result = new Set(hidden);
  if (!alone) {
    if (!result.delete(line)) result.add(line);
    return result;
  }
  const only = !hidden.has(line) && lines.every((one) => one === line || hidden.has(one));
  for (const one of lines) {
    if (only || one === line) result.delete(one);
    else result.add(one);
  }
  return result;
}
