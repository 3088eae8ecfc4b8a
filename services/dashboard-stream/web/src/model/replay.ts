/** A past range as it went: which part of its stored numbers, insights and notes was known at an instant of it. Pure. */
import { Board, type Line, lowerBound } from "./board.ts";
import { type InsightVersion, insightsAt } from "./notes.ts";
import { STEPS_MS } from "./past.ts";
import type { Bounds } from "./shown-time.ts";

/** How many times as fast as it was. */
export const SPEEDS = [1, 2, 5, 10, 30, 60] as const;

/** Where a replay is after `elapsed` ms more, at most at the end. */
export function advanced(cursor: number, elapsed: number, speed: number, { to }: Bounds): number {
  return Math.min(to, cursor + Math.max(0, elapsed) * speed);
}

/** Steps of the slider of a replay. */
export const SEEK_MS = 1_000;

const KEYS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };

/** Where an arrow key leads from `cursor`: a hundredth of the range on or back, at least a second; `null` for any other key. */
export function stepped(key: string, cursor: number, bounds: Bounds): number | null {
  const way = KEYS[key];
  return way === undefined ? null : sought(cursor + way * Math.max(SEEK_MS, Math.round((bounds.to - bounds.from) / 100)), bounds);
}

/** Where a replay is after `at` was chosen: a slider of whole steps does not reach the end of a range that has a part of one. */
export function sought(at: number, { from, to }: Bounds): number {
  return at + SEEK_MS > to ? to : Math.max(from, at);
}

/** So far back a number is the newest one, or two of its points: after a longer gap there is none. */
const LOOK_BACK_MS = 300_000;

/**
 * The board of `stored` at the instant `cursor`: the points of windows that had ended, as the number of each line its newest one, and what
 * models had said. At its end it is `stored` itself, with the numbers of the whole range.
 */
export function frameAt(stored: Board, versions: readonly InsightVersion[], cursor: number): Board {
  const { range } = stored;
  if (!range) return stored;
  const known = stored.saying(insightsAt(versions, range, Math.min(cursor, range.to)));
  if (cursor >= range.to) return known;
  known.lines = new Map();
  known.values = {};
  for (const [name, line] of stored.lines) {
    const step = stepOf(name, range.steps);
    const ended = endedBefore(line, step, cursor);
    known.lines.set(name, ended);
    const oldest = cursor - Math.max(LOOK_BACK_MS, 2 * step) - step;
    known.values[name] = ended.v.findLast((value, i) => value !== null && (ended.t[i] as number) >= oldest) ?? null;
  }
  known.range = { ...range, whole: false, played: cursor };
  known.epoch = `${stored.epoch} ${cursor}`;
  return known;
}

/** How wide the points of the line `name` are. */
function stepOf(name: string, steps: ReadonlyMap<string, string>): number {
  for (const [reading, step] of steps) if (name === reading || name.startsWith(`${reading}{`)) return STEPS_MS[step] ?? 0;
  return 0;
}

function endedBefore({ t, v }: Line, step: number, cursor: number): Line {
  const end = lowerBound(t, cursor - step + 1);
  return { t: t.slice(0, end), v: v.slice(0, end) };
}
