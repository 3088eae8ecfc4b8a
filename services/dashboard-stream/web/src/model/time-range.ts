/** The range of time that an explorer page shows, as its address says it: the last so much, or from one instant to another. Pure. */
import { dayAndTime, duration, time } from "./format.ts";
import { type Range, RANGES } from "./metric-choice.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The finest first: traces are looked for in the last minutes more often than in days. */
export const TRACE_RANGES: Range[] = [
  { name: "15m", title: "15 min", ms: 15 * MINUTE_MS, resolutions: [], every_ms: 10_000 },
  ...RANGES.slice(0, 4),
];

/** What users do is looked at over days. */
export const USER_RANGES: Range[] = [...RANGES.slice(2), { name: "90d", title: "90 d", ms: 90 * DAY_MS, resolutions: [], every_ms: 600_000 }];

/** `from` and `to` are epoch ms; 0: the last `range` is shown, which moves on. */
export interface TimeWindow {
  range: Range;
  from: number;
  to: number;
}

export const LAST: Pick<TimeWindow, "from" | "to"> = { from: 0, to: 0 };

/** Of the query of an address; `first` is shown where it names none of `ranges`. */
export function windowOf(given: URLSearchParams, first: Range, ranges: readonly Range[] = TRACE_RANGES): TimeWindow {
  const [from, to] = ["from", "to"].map((name) => Number(given.get(name) || 0)) as [number, number];
  const range = ranges.find((one) => one.name === given.get("range")) ?? first;
  return Number.isSafeInteger(from) && Number.isSafeInteger(to) && from > 0 && from < to ? { range, from, to } : { range, ...LAST };
}

/** Puts the window into an address; `first` is the range that needs no word, `null`: none does. */
export function sayWindow(said: URLSearchParams, { range, from, to }: TimeWindow, first: Range | null): void {
  if (range !== first && (first || !from)) said.set("range", range.name);
  if (!from) return;
  said.set("from", String(from));
  said.set("to", String(to));
}

/** From when to when, at the time `now`. */
export function boundsOf({ range, from, to }: TimeWindow, now: number): { from: number; to: number } {
  return from ? { from, to } : { from: Math.round(now - range.ms), to: Math.round(now) };
}

/** How often it is asked for again: what is past may still get late spans, but rarely. */
export function everyMs({ range, from }: TimeWindow): number {
  return from ? 60_000 : range.every_ms;
}

/** `in the last 1 h`, or `from 12:03:10 to 12:08:00`. */
export function rangeInWords(shown: TimeWindow, now: number): string {
  return shown.from ? `from ${windowInWords(shown, now)}` : `in the last ${duration(shown.range.ms)}`;
}

/** `12:03:10 to 12:08:00`, with the day where it is not the last one. */
export function windowInWords({ from, to }: Pick<TimeWindow, "from" | "to">, now: number): string {
  const said = now - from > DAY_MS ? dayAndTime : time;
  return `${said(from)} to ${said(to)}`;
}
