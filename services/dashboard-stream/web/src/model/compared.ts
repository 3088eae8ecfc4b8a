/** A range of time beside the one before it: which period that is, its numbers moved to the present, and differences in words. Pure. */
import type { Board, Line } from "./board.ts";
import { duration, plain, whole } from "./format.ts";
import type { Bounds } from "./shown-time.ts";

/** What a range can be compared with, as its address says it. */
export const COMPARISONS = [
  { name: "1h", title: "Hour before", ms: 3_600_000, words: "1 hour before" },
  { name: "1d", title: "Day before", ms: 86_400_000, words: "1 day before" },
  { name: "1w", title: "Week before", ms: 604_800_000, words: "1 week before" },
  { name: "previous", title: "Same length before", ms: null, words: "" },
] as const;

export type Comparison = (typeof COMPARISONS)[number]["name"];

export function isComparison(name: string | null): name is Comparison {
  return COMPARISONS.some((one) => one.name === name);
}

/** How long before `bounds` the other period lies. */
export function offsetOf(name: Comparison, { from, to }: Bounds): number {
  return COMPARISONS.find((one) => one.name === name)?.ms ?? to - from;
}

/** `1 day before`; of the same length: `5 min before`. */
export function beforeInWords(name: Comparison, offset: number): string {
  return COMPARISONS.find((one) => one.name === name)?.words || `${duration(offset)} before`;
}

/** What a board is compared with. All times are moved by the offset, so that both periods lie on one axis. */
export interface Before {
  words: string;
  /** How much earlier it is, in ms. */
  offset: number;
  /** Where the other period really is. */
  bounds: Bounds;
  /** How far apart the points of a reading are, by its name. */
  steps: ReadonlyMap<string, string>;
  lines: ReadonlyMap<string, Line>;
  /** Of the whole period, and of the whole range that is shown: numbers of a moment would compare nothing. */
  then: Readonly<Record<string, number | null>>;
  now: Readonly<Record<string, number | null>>;
  /** Why something of it is missing, as sentences. */
  problems: readonly string[];
}

/** `before` is the board of the period `offset` earlier, `present` that of the range itself. */
export function beforeOf(words: string, offset: number, before: Board, present: Board): Before {
  const lines = new Map<string, Line>();
  for (const [name, { t, v }] of before.lines) lines.set(name, { t: t.map((at) => at + offset), v });
  const { from, to, steps } = before.range ?? { from: 0, to: 0, steps: new Map<string, string>() };
  return { words, offset, bounds: { from, to }, steps, lines, then: before.values, now: present.values, problems: before.problems };
}

/** Less is no difference: it is not seen in three digits. */
const SAME = 0.005;
/** From here on a factor reads better than per cent. */
const TIMES = 3;

/** `+12 %`, `−0.4 points`, `×3.2`, `same`; empty where one of both is not known, or from nothing. */
export function shortDifference(now: number | null | undefined, then: number | null | undefined, unit: string): string {
  if (!known(now) || !known(then)) return "";
  if (same(now, then)) return "same";
  const sign = now > then ? "+" : "−";
  if (isPart(unit)) return `${sign}${points(now, then, unit)} points`;
  if (then <= 0 || now < 0) return "";
  return now / then >= TIMES ? `×${plain(now / then)}` : `${sign}${percent(now, then)} %`;
}

/** `12 % higher than 1 hour before`. Always a phrase, unless nothing is known of now. */
export function differenceInWords(now: number | null | undefined, then: number | null | undefined, unit: string, words: string): string {
  if (!known(now)) return known(then) ? `nothing to compare with ${words}` : "";
  if (!known(then)) return `no data ${words}`;
  if (same(now, then)) return `the same as ${words}`;
  const how = now > then ? "higher" : "lower";
  if (isPart(unit)) return `${points(now, then, unit)} percentage points ${how} than ${words}`;
  if (then === 0) return `none ${words}`;
  if (then < 0 || now < 0) return `${how} than ${words}`;
  if (now / then >= TIMES) return `${plain(now / then)} times as high as ${words}`;
  return `${percent(now, then)} % ${how} than ${words}`;
}

function known(value: number | null | undefined): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function same(now: number, then: number): boolean {
  return now === then || Math.abs(now - then) < SAME * Math.max(Math.abs(now), Math.abs(then));
}

/** Per cent of per cent are misread. */
function isPart(unit: string): boolean {
  return unit === "share" || unit === "utilization" || unit === "%";
}

function points(now: number, then: number, unit: string): string {
  return plain(Math.abs(now - then) * (unit === "%" ? 1 : 100));
}

function percent(now: number, then: number): string {
  const share = (Math.abs(now - then) / then) * 100;
  return share >= 10 ? whole(share) : plain(share);
}
