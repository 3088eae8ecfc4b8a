/** The range of time that a dashboard shows, in words, and those that are offered. Pure, but for the zone that is shown. */
import { beforeInWords, type Comparison, offsetOf } from "./compared.ts";
import { dayAndTime, duration, time } from "./format.ts";
import { type Bounds, NOW, type Shown } from "./shown-time.ts";

export interface Preset {
  title: string;
  from: string;
  to: string;
}

const last = (title: string, from: string): Preset => ({ title, from, to: NOW });

/** The first three are live by the second. */
export const PRESETS: readonly Preset[] = [
  last("2 min", "now-2m"),
  last("5 min", "now-5m"),
  last("15 min", "now-15m"),
  last("1 h", "now-1h"),
  last("6 h", "now-6h"),
  last("24 h", "now-24h"),
  last("7 d", "now-7d"),
  last("30 d", "now-30d"),
  last("Today", "now/d"),
  { title: "Yesterday", from: "now-1d/d", to: "now-1d/d" },
];

const DAY_MS = 86_400_000;

/** `Last 5 min`, `Yesterday`, `14:00:00 to 15:00:00`, with the days where they are not today's. */
export function rangeTitle({ from, to }: Shown, bounds: Bounds, now: number): string {
  const preset = PRESETS.find((one) => one.from === from && one.to === to);
  const relative = to === NOW && /^now-\d+[smhdw]$/.test(from);
  if (relative) return `Last ${preset?.title ?? duration(bounds.to - bounds.from)}`;
  return preset?.title ?? boundsInWords(bounds, now);
}

/** With what it is compared, beside the range: `vs 1 day before`. */
export function comparedTitle(compare: Comparison | null, bounds: Bounds): string {
  return compare ? `vs ${beforeInWords(compare, offsetOf(compare, bounds))}` : "";
}

export function boundsInWords({ from, to }: Bounds, now: number): string {
  const said = now - from > DAY_MS ? dayAndTime : time;
  return `${said(from)} to ${said(to)}`;
}
