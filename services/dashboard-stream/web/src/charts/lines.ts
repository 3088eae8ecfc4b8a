/** From the points of a line to what is drawn of it: the window shown, settled points, means, gaps. Pure. */
import { type Line, lowerBound } from "../model/board.ts";
import type { Entry } from "../model/catalogue.ts";

/** A second is still filling while it runs, and events of it arrive for one more: drawn, each line would end in a dip. */
export const SETTLE_MS = 2_000;
/** What a point of a line of seconds is taken over: as the numbers beside the line are, so both say the same. */
export const SMOOTH_MS = 10_000;

const UNITS_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
/** Longer silence is a gap in the line, not a straight stroke over it. */
const GAP_STEPS: Record<string, number> = { "1s": 15, "1m": 4 };
const GAP_OTHERS = 2;

/**
 * How a second's point is smoothed. Seconds are of equal length, so the mean of rates is the rate over all of them; shares are
 * weighted with the rate of what they are a share of, where that line is there; of percentiles nothing but the middle one is
 * honest.
 */
const SMOOTH: Record<string, "mean" | "median"> = {
  rate: "mean",
  sum_rate: "mean",
  error_rate: "mean",
  hit_rate: "mean",
  p50: "median",
  p95: "median",
  p99: "median",
};

export interface Drawn {
  x: number[];
  y: (number | null)[];
}

export function stepOf(entry: Entry): number {
  const resolution = entry.resolution ?? "1s";
  return Number.parseInt(resolution, 10) * (UNITS_MS[resolution.at(-1) ?? ""] ?? 1_000) || 1_000;
}

/** What the points of `entry` are drawn as; `null`: as they are. */
export function smoothing(entry: Entry): "mean" | "median" | null {
  return stepOf(entry) === 1_000 ? (SMOOTH[entry.field] ?? null) : null;
}

/**
 * The points of `line` in `[from, now]`, ready to draw; `weights` is the line by which shares are weighted. A line whose first
 * window still runs has that one: better than nothing for a minute.
 */
export function drawn(line: Line | undefined, entry: Entry, from: number, now: number, weights?: Line): Drawn {
  const x: number[] = [];
  const y: (number | null)[] = [];
  if (!line) return { x, y };
  const step = stepOf(entry);
  const settledEnd = lowerBound(line.t, settled(entry, now));
  const end = step > 1_000 && settledEnd === 0 ? lowerBound(line.t, now + 1) : settledEnd;
  const smooth = smoothing(entry);
  const gap = step * (GAP_STEPS[entry.resolution ?? "1s"] ?? GAP_OTHERS);
  let last = -Infinity;
  for (let i = lowerBound(line.t, from); i < end; i++) {
    const at = line.t[i] as number;
    if (smooth && line.v[i] === null && at - last > SMOOTH_MS) continue; // nothing near it: no point of its own
    const after = at - SMOOTH_MS;
    const value =
      smooth === "mean" ? mean(line, i, after, weights) : smooth === "median" ? median(line, i, after) : (line.v[i] ?? null);
    if (value === null) continue;
    if (at - last > gap && x.length) {
      x.push(last + step);
      y.push(null);
    }
    x.push(at);
    y.push(value);
    last = at;
  }
  return { x, y };
}

/** What is right in a running minute too: averages, shares, quotients and percentiles of what there was of it. */
const RUNNING = new Set(["avg", "value", "error_rate", "hit_rate", "p50", "p95", "p99"]);

/** Windows that start before this are as full as they get. */
function settled(entry: Entry, now: number): number {
  const step = stepOf(entry);
  if (step === 1_000) return now - SETTLE_MS;
  return RUNNING.has(entry.field) ? now : now - step + 1;
}

/** The mean of the points in `(after, t[i]]`. */
function mean(line: Line, i: number, after: number, weights?: Line): number | null {
  let sum = 0;
  let total = 0;
  for (let j = i; j >= 0 && (line.t[j] as number) > after; j--) {
    const value = line.v[j];
    if (value === null || value === undefined) continue;
    const weight = weights ? at(weights, line.t[j] as number) : 1;
    sum += value * weight;
    total += weight;
  }
  return total ? sum / total : null;
}

function at(line: Line, time: number): number {
  const place = lowerBound(line.t, time);
  return line.t[place] === time ? (line.v[place] ?? 0) : 0;
}

/** The middle one of the points in `(after, t[i]]`. */
function median(line: Line, i: number, after: number): number | null {
  const result: number[] = [];
  for (let j = i; j >= 0 && (line.t[j] as number) > after; j--) {
    const value = line.v[j];
    if (value !== null && value !== undefined) result.push(value);
  }
  if (!result.length) return null;
  result.sort((a, b) => a - b);
  const half = result.length >> 1;
  return result.length % 2 ? (result[half] as number) : ((result[half - 1] as number) + (result[half] as number)) / 2;
}

/** The largest value that is drawn; 0 where nothing is. */
export function largest(lines: readonly Drawn[]): number {
  let most = 0;
  for (const line of lines) for (const value of line.y) if (value !== null && Math.abs(value) > most) most = Math.abs(value);
  return most;
}

/** The highest value that is drawn, at least 0: an axis reaches from {@link lowest} to it. */
export function highest(lines: readonly Drawn[]): number {
  return edge(lines, Math.max);
}

/** The lowest value that is drawn, at most 0. */
export function lowest(lines: readonly Drawn[]): number {
  return edge(lines, Math.min);
}

function edge(lines: readonly Drawn[], further: (a: number, b: number) => number): number {
  let result = 0;
  for (const line of lines) for (const value of line.y) if (value !== null) result = further(result, value);
  return result;
}

/** The colours that differ for every eye; the two behind them are for lines that are dashed as well. */
export const SAFE_COLOURS = 6;

/**
 * Which colour each of `values` gets: the one its name points to, or the next that is free. So a name keeps its colour when
 * others come and go, as far as there are colours.
 */
export function slots(values: readonly string[]): Map<string, number> {
  const taken = new Set<number>();
  const result = new Map<string, number>();
  for (const value of [...values].sort()) {
    let slot = hash(value) % SAFE_COLOURS;
    for (let tried = 1; taken.has(slot) && tried < SAFE_COLOURS; tried++) slot = (slot + 1) % SAFE_COLOURS;
    while (taken.has(slot)) slot = taken.size;
    taken.add(slot);
    result.set(value, slot);
  }
  return result;
}

function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return h >>> 4;
}

/** An SVG path of a line's points, stretched over `width` and `height` with `highest` at the top; empty with fewer than two points. */
export function spark(line: Drawn, from: number, now: number, width: number, height: number, highest = largest([line])): string {
  const most = highest || 1;
  let path = "";
  let pen = "M";
  let points = 0;
  line.x.forEach((at, i) => {
    const value = line.y[i];
    if (value === null || value === undefined) {
      pen = "M";
      return;
    }
    const x = ((at - from) / (now - from)) * width;
    const y = levelOf(value, most, height);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
    points += 1;
  });
  return points > 1 ? path : "";
}

/** Where `value` lies in a small line that is `height` high, with `most` at its top. */
export function levelOf(value: number, most: number, height: number): number {
  return height - 1.5 - (Math.max(0, value) / most) * (height - 3);
}
