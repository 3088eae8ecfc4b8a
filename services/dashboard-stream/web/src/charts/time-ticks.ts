/** Where the axis of time has its marks, and what they say, in the zone that is shown. Pure, but for that zone. */
import { day, clockTime, time, zoneOffset } from "../model/format.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const STEPS_MS = [
  ...[1, 2, 5, 15, 30, 60, 120, 300, 600, 900, 1800].map((seconds) => seconds * 1000),
  ...[1, 2, 3, 6, 12, 24, 48, 96, 168, 336].map((hours) => hours * HOUR_MS),
];

export interface Ticks {
  tickvals: number[];
  ticktext: string[];
}

/** At most `fit` marks (two at least) at round times between `from` and `to`; a new day says which. */
export function timeTicks(from: number, to: number, fit: number): Ticks {
  const step = STEPS_MS.find((one) => (to - from) / one <= Math.max(2, fit)) ?? 28 * DAY_MS;
  // Round as the clock on the wall is, which may be half an hour off UTC, and where the summer ends an hour off itself.
  const offset = zoneOffset(from);
  const tickvals: number[] = [];
  const ticktext: string[] = [];
  let last = step >= DAY_MS || to - from <= DAY_MS ? "" : day(from);
  for (let wall = Math.ceil((from + offset) / step) * step; wall - offset <= to; wall += step) {
    let at = wall - offset;
    if (step >= HOUR_MS) at += offset - zoneOffset(at);
    if (at < from || at > to) continue;
    const today = day(at);
    const turned = last !== "" && today !== last;
    if (last) last = today;
    tickvals.push(at);
    ticktext.push(step >= DAY_MS || turned ? today : step < MINUTE_MS ? time(at) : clockTime(at));
  }
  return { tickvals, ticktext };
}
