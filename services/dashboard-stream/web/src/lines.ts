/** From the points of a line to what is drawn of it: the window shown, settled points, means, gaps. Pure. */
import { type Line, lowerBound } from "./board.ts";
import type { Entry } from "./catalogue.ts";

/** A second is still filling while it runs, and events of it arrive for one more: drawn, each line would end in a dip. */
const SETTLE_MS = 2_000;
/** The mean that a rate is drawn as: that of the number beside it, so both say the same. */
export const MEAN_MS = 10_000;

const STEP_MS: Record<string, number> = { "1s": 1_000, "1m": 60_000, "1h": 3_600_000 };
/** Longer silence is a gap in the line, not a straight stroke over it. */
const GAP_STEPS: Record<string, number> = { "1s": 30, "1m": 4, "1h": 2 };

const RATES = new Set(["rate", "sum_rate"]);

export interface Drawn {
  x: number[];
  y: (number | null)[];
}

export function stepOf(entry: Entry): number {
  return STEP_MS[entry.resolution ?? "1s"] ?? 1_000;
}

export function isSmoothed(entry: Entry): boolean {
  return RATES.has(entry.field) && stepOf(entry) === 1_000;
}

/** The points of `line` in `[from, now]`, ready to draw. */
export function drawn(line: Line | undefined, entry: Entry, from: number, now: number): Drawn {
  const x: number[] = [];
  const y: (number | null)[] = [];
  if (!line) return { x, y };
  const step = stepOf(entry);
  const end = lowerBound(line.t, settled(entry, now));
  const smooth = isSmoothed(entry);
  const gap = step * (GAP_STEPS[entry.resolution ?? "1s"] ?? 30);
  let last = -Infinity;
  for (let i = lowerBound(line.t, from); i < end; i++) {
    const at = line.t[i] as number;
    const value = smooth ? mean(line, i, at - MEAN_MS) : (line.v[i] ?? null);
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

/** Windows that start before this are as full as they get. Averages and shares are right in a running minute too. */
function settled(entry: Entry, now: number): number {
  const step = stepOf(entry);
  if (step === 1_000) return now - SETTLE_MS;
  return entry.field === "avg" ? now : now - step + 1;
}

/** The mean of the points in `(after, t[i]]`: windows of equal length, so it is the rate over all of them. */
function mean(line: Line, i: number, after: number): number | null {
  let sum = 0;
  let count = 0;
  for (let j = i; j >= 0 && (line.t[j] as number) > after; j--) {
    const value = line.v[j];
    if (value === null || value === undefined) continue;
    sum += value;
    count += 1;
  }
  return count ? sum / count : null;
}

/** The largest value that is drawn; 0 where nothing is. */
export function largest(lines: readonly Drawn[]): number {
  let most = 0;
  for (const line of lines) for (const value of line.y) if (value !== null && Math.abs(value) > most) most = Math.abs(value);
  return most;
}

/**
 * Which of `count` colours each of `values` gets: the one its name points to, or the next that is free. So a name keeps its
 * colour when others come and go, as far as there are colours.
 */
export function slots(values: readonly string[], count: number): Map<string, number> {
  const taken = new Set<number>();
  const found = new Map<string, number>();
  for (const value of [...values].sort()) {
    let slot = hash(value) % count;
    for (let tried = 0; taken.has(slot) && tried < count; tried++) slot = (slot + 1) % count;
    taken.add(slot);
    found.set(value, slot);
  }
  return found;
}

function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return h >>> 4;
}

/** An SVG path of a line's points, stretched over `width` and `height`; empty with fewer than two points. */
export function spark(line: Drawn, from: number, now: number, width: number, height: number): string {
  const most = largest([line]) || 1;
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
    const y = height - 1.5 - (Math.max(0, value) / most) * (height - 3);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
    points += 1;
  });
  return points > 1 ? path : "";
}
