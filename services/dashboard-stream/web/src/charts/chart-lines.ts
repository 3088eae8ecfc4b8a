/** Which lines a chart has at the moment: their names, colours and what is drawn of them. Pure. */
import type { Board } from "../model/board.ts";
import type { Entry } from "../model/catalogue.ts";
import type { Before } from "../model/compared.ts";
import { type AskedLine, askedLines, type Chart } from "../model/panels.ts";
import { type Drawn, drawn, SAFE_COLOURS, SETTLE_MS, slots, smoothing, stepOf } from "./lines.ts";
import { labelText, labelled, tooltip } from "../model/names.ts";

/** More lines than this cannot be distinguished: the largest are drawn, the others counted. */
export const MOST_LINES = 8;
/** Charts of minutes show so much more time than charts of seconds: a line of five points says nothing. */
const MINUTES_FACTOR = 12;
/** Of seconds, an older point is no number of now. */
const FRESH_MS = 60_000;
/** They begin where their history begins, but not with fewer minutes than this. */
const LEAST_MS = 15 * 60_000;

export interface ChartLine {
  series: string;
  title: string;
  /** What its title does not say: the whole name of a service, and its token. */
  tooltip: string | undefined;
  entry: Entry;
  /** The number of now, the same that stands elsewhere on the page; of lines without one, and of those that are drawn as {@link isOwnPoint} says, their newest point. */
  last: number | null;
  /** Index of a series colour; `-1`: the neutral colour of a total beside its parts. */
  slot: number;
  dashed: boolean;
  points: Drawn;
  /** The same of the period that it is compared with, on the same axis. */
  before?: Drawn;
  /** Of the whole range and of that period. */
  compared?: { now: number | null; then: number | null };
}

export interface ChartLines {
  lines: ChartLine[];
  /** How many are not drawn, see {@link MOST_LINES}. */
  more: number;
  from: number;
  now: number;
  /** Up to when the range has been played, where it is. */
  played?: number;
}

/** The lines of `chart` over the last `windowMs` before `now`, or over the range of `board`. */
export function linesOf(
  chart: Chart,
  board: Board,
  entries: ReadonlyMap<string, Entry>,
  windowMs: number,
  present: number,
): ChartLines {
  const now = board.range?.to ?? present;
  const resolved = askedLines(chart).flatMap((line) => {
    const entry = entries.get(line.reading);
    return entry ? [{ line, entry }] : [];
  });
  const slow = !board.range && resolved.some(({ entry }) => stepOf(entry) > 1_000);
  const from = board.range ? board.range.from : slow ? begin(now - windowMs * MINUTES_FACTOR, now, resolved, board) : now - windowMs;
  const split = resolved.some(({ line }) => line.by);
  const totals: ChartLine[] = [];
  const parts: ChartLine[] = [];
  for (const { line, entry } of resolved) {
    if (!line.by) {
      const slot = split ? -1 : totals.length;
      totals.push(one(board, entry, line.reading, line.name ?? entry.field, slot, from, now));
      continue;
    }
    const values = board.labelValues(line.reading, line.by);
    const chosen = slots(values);
    for (const value of values) {
      const series = labelled(line.reading, line.by, value);
      const given = board.given(line.by, value);
      const made = one(board, entry, series, labelText(line.by, value, given), chosen.get(value) ?? 0, from, now);
      made.tooltip = tooltip(value, given);
      if (made.points.x.length) parts.push(made);
    }
  }
  parts.sort((a, b) => weight(b) - weight(a));
  const kept = new Set(chart.kind === "heatmap" ? parts : parts.slice(0, MOST_LINES));
  const shown = parts.filter((line) => kept.has(line)).sort((a, b) => a.title.localeCompare(b.title));
  return { lines: [...totals, ...shown], more: parts.length - shown.length, from, now, ...(board.range?.played === undefined ? {} : { played: board.range.played }) };
}

/** The first minute that any of the lines knows, at the earliest `from`. */
function begin(from: number, now: number, lines: { line: AskedLine }[], board: Board): number {
  let first = now - LEAST_MS;
  for (const { line } of lines) {
    for (const [name, { t }] of board.lines) {
      if (name !== line.reading && !name.startsWith(`${line.reading}{`)) continue;
      if (t[0] !== undefined) first = Math.min(first, t[0]);
    }
  }
  return Math.max(from, first);
}

function one(board: Board, entry: Entry, series: string, title: string, slot: number, from: number, now: number): ChartLine {
  const points = pointsOf(board, entry, series, from, now);
  const last = series in board.values && !isOwnPoint(entry, board) ? board.value(series) : newest(points, board.range ? -Infinity : now - FRESH_MS);
  const line: ChartLine = { series, title, tooltip: undefined, entry, slot, dashed: slot >= SAFE_COLOURS, points, last };
  if (board.before) {
    line.before = pointsBefore(board.before, entry, series, from, now);
    line.compared = { now: board.before.now[series] ?? null, then: board.before.then[series] ?? null };
  }
  return line;
}

/**
 * Whether the legend says the newest point of a line instead of the number of now: percentiles of the last minute are another
 * number than the middle one of ten seconds that is drawn, and two numbers of one name beside each other would disagree.
 */
export function isOwnPoint(entry: Entry, board: Board): boolean {
  return board.range === null && smoothing(entry) === "median";
}

function newest({ x, y }: Drawn, since: number): number | null {
  const place = y.findLastIndex((value) => value !== null);
  return place >= 0 && (x[place] as number) >= since ? (y[place] ?? null) : null;
}

/** The points of the line `series` of `entry`, shares weighted by the rate of the same labels. */
export function pointsOf(board: Board, entry: Entry, series: string, from: number, now: number): Drawn {
  const weights = entry.field === "error_rate" ? board.lines.get(series.replace(`${entry.metric}.${entry.field}`, `${entry.metric}.rate`)) : undefined;
  return drawn(board.lines.get(series), entry, from, now, weights);
}

/** The points of the other period, whose every window is full. */
export function pointsBefore(before: Before, entry: Entry, series: string, from: number, now: number): Drawn {
  const resolution = before.steps.get(entry.name) ?? entry.resolution ?? "1s";
  const asked = { ...entry, resolution };
  const { x, y } = drawn(before.lines.get(series), asked, from, now + SETTLE_MS + stepOf(asked));
  const end = x.findIndex((at) => at > now);
  return end < 0 ? { x, y } : { x: x.slice(0, end), y: y.slice(0, end) };
}

/** How much there is of a line over the whole window: what is largest does not change from second to second. */
export function weight(line: ChartLine): number {
  return line.points.y.reduce<number>((sum, value) => sum + Math.abs(value ?? 0), 0);
}
