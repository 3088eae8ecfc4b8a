/** Which thresholds a forecast crosses, and how many replicas a load needs: which horizon says it, and in which words. Pure. */
import type { ForecastEvent, InsightEvent } from "./board.ts";
import type { Breach, Capacity } from "./contracts.ts";
import { decimal, duration, inWords } from "./format.ts";
import { horizonOf } from "./forecasts.ts";

export interface Watched {
  series: string;
  /** The forecast that speaks of a threshold, and the one that counts replicas: often the same. */
  breach: ForecastEvent | null;
  capacity: ForecastEvent | null;
  tone: "bad" | "warn" | "good";
}

/** Even a forecast of a week is published again each hour: an older one is the last of a silent predictor. */
export const LATE_MS = 65 * 60_000;

/** Each series with a threshold or a capacity once, what is most urgent first; nothing of which all is past. */
export function watchedSeries(insights: Iterable<InsightEvent>, now: number): Watched[] {
  const by = new Map<string, ForecastEvent[]>();
  for (const one of insights) {
    if (one.kind !== "forecast" || !(one.breach || one.capacity) || one.at + horizonOf(one) <= now) continue;
    by.set(one.series, [...(by.get(one.series) ?? []), one]);
  }
  const result = [...by].map(([series, several]) => {
    several.sort((a, b) => horizonOf(a) - horizonOf(b));
    const breach = first(several.filter((one) => one.breach), [(one) => sure(one.breach), (one) => possible(one.breach)]);
    const capacity = first(several.filter((one) => one.capacity), [(one) => short(one.capacity)]);
    const tone = sure(breach?.breach) ? "bad" : possible(breach?.breach) || short(capacity?.capacity) ? "warn" : "good";
    return { series, breach, capacity, tone } as Watched;
  });
  const order = { bad: 0, warn: 1, good: 2 };
  return result.sort((a, b) => order[a.tone] - order[b.tone] || soon(a) - soon(b) || a.series.localeCompare(b.series));
}

/** The nearest horizon that meets the first of `wishes` that any meets, else the furthest, which promises longest. */
function first(several: ForecastEvent[], wishes: ((one: ForecastEvent) => boolean)[]): ForecastEvent | null {
  for (const wish of wishes) {
    const met = several.find(wish);
    if (met) return met;
  }
  return several.at(-1) ?? null;
}

function sure(breach: Breach | null | undefined): boolean {
  return typeof breach?.at === "number";
}

function possible(breach: Breach | null | undefined): boolean {
  return typeof breach?.earliest === "number";
}

function short(capacity: Capacity | null | undefined): boolean {
  return !!capacity && capacity.needed > capacity.now;
}

function soon(one: Watched): number {
  return one.breach?.breach?.at ?? one.breach?.breach?.earliest ?? one.capacity?.capacity?.needed_at ?? Infinity;
}

/** `crosses 1.86 GiB in 42 min (30–65)`, `may cross it in 30 min at the earliest`, or that it does not as far as one sees. */
export function crossing(insight: ForecastEvent, unit: string, now: number): string {
  const { threshold, direction, at, earliest, latest } = insight.breach as Breach;
  const level = inWords(threshold, unit);
  const down = direction === "down";
  if (typeof at === "number") {
    const verb = down ? "falls below" : "crosses";
    if (at <= now) return `${verb} ${level} about now`;
    const [text, range] = between(at - now, gap(earliest, now), gap(latest, now));
    return `${verb} ${level} in ${text}${range}`;
  }
  if (typeof earliest === "number") {
    const when = earliest <= now ? "at any time" : `in ${duration(round(earliest - now))} at the earliest`;
    return `may ${down ? "fall below" : "cross"} ${level} ${when}`;
  }
  return `stays ${down ? "above" : "below"} ${level} for ${duration(horizonOf(insight))}`;
}

/** `expected`, `possible` or `unlikely`: what stands beside the colour. */
export function likelihood(breach: Breach): string {
  return sure(breach) ? "expected" : possible(breach) ? "possible" : "unlikely";
}

/** `2 replicas now, 3 needed in 25 min` */
export function replicas(insight: ForecastEvent, now: number): string {
  const capacity = insight.capacity as Capacity;
  const have = `${capacity.now} ${capacity.now === 1 ? "replica" : "replicas"} now`;
  if (capacity.needed > capacity.now) {
    const left = capacity.needed_at - now;
    return `${have}, ${capacity.needed} needed ${left < 60_000 ? "at once" : `in ${duration(round(left))}`}`;
  }
  const enough = `${have}, enough for ${duration(horizonOf(insight))}`;
  return capacity.needed < capacity.now && capacity.needed > 0 ? `${enough}; ${capacity.needed} would be enough` : enough;
}

function gap(at: number | null | undefined, now: number): number | null {
  return typeof at === "number" ? Math.max(0, at - now) : null;
}

const HOUR = 3_600_000;
/** Below this many of the smaller unit a range reads well in it: `42 min (30–65)`, `20 h (14–31)`. */
const UNITS: [below: number, ms: number, name: string][] = [
  [2 * HOUR, 60_000, "min"],
  [48 * HOUR, HOUR, "h"],
  [Infinity, 24 * HOUR, "d"],
];

/** When, and from when to when, in one unit: `["42 min", " (30–65)"]`. */
function between(at: number, earliest: number | null, latest: number | null): [string, string] {
  const [, ms, name] = UNITS.find(([below]) => at < below) as [number, number, string];
  const amountText = (span: number) => {
    const amount = span / ms;
    return decimal(amount, 0, name === "min" || amount >= 10 ? 0 : 1);
  };
  const text = `${amountText(at)} ${name}`;
  if (earliest !== null && latest !== null) return [text, ` (${amountText(earliest)}–${amountText(latest)})`];
  if (earliest !== null) return [text, ` (${amountText(earliest)} or later)`];
  return [text, latest !== null ? ` (${amountText(latest)} at the latest)` : ""];
}

/** To whole minutes: seconds of a forecast say nothing. */
function round(ms: number): number {
  return Math.max(60_000, Math.round(ms / 60_000) * 60_000);
}
