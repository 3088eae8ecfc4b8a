/** What a chart shows where one points at it: an instant of its axis, and the values of its lines there, the largest first. Pure. */

/** The part of a drawing that has data in it, in pixels of the drawing, and the time from its left edge to its right one. */
export interface Area {
  left: number;
  right: number;
  top: number;
  bottom: number;
  from: number;
  to: number;
}

/** A line as it is drawn, with the words for its values. */
export interface PointedLine {
  title: string;
  colour: string;
  x: readonly number[];
  y: readonly (number | null)[];
  say: (value: number) => string;
}

/** What is marked at an instant, in words. */
export interface PointedMark {
  x: number;
  text: string[];
  /** The id of the note that is marked. */
  note?: string;
}

export interface PointedRow {
  title: string;
  colour: string;
  value: number;
  text: string;
}

/** Further away than this a point is not the one that is meant. */
const NEAR_PX = 12;

/** The time at `x` pixels, within the area. */
export function timeAt(area: Area, x: number): number {
  const share = (Math.min(area.right, Math.max(area.left, x)) - area.left) / Math.max(1, area.right - area.left);
  return area.from + share * (area.to - area.from);
}

/** Where the time `at` is, in pixels; `null` outside of the area. */
export function placeOf(area: Area, at: number): number | null {
  if (at < area.from || at > area.to) return null;
  return area.left + ((at - area.from) / (area.to - area.from)) * (area.right - area.left);
}

export function within(area: Area, x: number, y: number): boolean {
  return x >= area.left && x <= area.right && y >= area.top && y <= area.bottom;
}

/** The lines with a value near `at`, the largest first, and the instant of the nearest point (`at` where there is none). */
export function pointedRows(lines: readonly PointedLine[], at: number, area: Area): { at: number; rows: PointedRow[] } {
  const most = (NEAR_PX / Math.max(1, area.right - area.left)) * (area.to - area.from);
  let best = Infinity;
  let instant = at;
  const rows: PointedRow[] = [];
  for (const { title, colour, x, y, say } of lines) {
    const place = nearest(x, y, at, Math.max(most, gapAround(x, at)));
    if (place < 0) continue;
    const value = y[place] as number;
    const time = x[place] as number;
    if (Math.abs(time - at) < best) [best, instant] = [Math.abs(time - at), time];
    rows.push({ title, colour, value, text: say(value) });
  }
  return { at: instant, rows: rows.sort((a, b) => b.value - a.value) };
}

/** What is marked near `at`. */
export function pointedMarks(marks: readonly PointedMark[], at: number, area: Area): PointedMark[] {
  const most = (NEAR_PX / Math.max(1, area.right - area.left)) * (area.to - area.from);
  return marks.filter((mark) => Math.abs(mark.x - at) <= most);
}

/** Half of the way between the points around `at`: of minutes on a wide chart the nearest is far, and still the one that is meant. */
function gapAround(x: readonly number[], at: number): number {
  const after = firstAtOrAfter(x, at);
  if (after === 0 || after >= x.length) return 0;
  return ((x[after] as number) - (x[after - 1] as number)) / 2;
}

/** The index of the point with a value nearest to `at`, at most `most` away; -1: none. */
function nearest(x: readonly number[], y: readonly (number | null)[], at: number, most: number): number {
  const after = firstAtOrAfter(x, at);
  let best = -1;
  for (const place of [after - 1, after]) {
    const time = x[place];
    if (time === undefined || y[place] === null || y[place] === undefined || Math.abs(time - at) > most) continue;
    if (best < 0 || Math.abs(time - at) < Math.abs((x[best] as number) - at)) best = place;
  }
  return best;
}

function firstAtOrAfter(x: readonly number[], at: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((x[middle] as number) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The range that was drawn from `a` to `b` pixels, in whole seconds and no shorter than `least`; `null`: too narrow to be meant. */
export function selected(area: Area, a: number, b: number, least: number): { from: number; to: number } | null {
  if (Math.abs(a - b) < 6) return null;
  const [from, to] = [timeAt(area, Math.min(a, b)), timeAt(area, Math.max(a, b))];
  const missing = Math.max(0, least - (to - from)) / 2;
  return { from: Math.floor((from - missing) / 1000) * 1000, to: Math.ceil((to + missing) / 1000) * 1000 };
}
