/** Where the axis of values has its marks, and what they say, as the language that is shown writes numbers. Pure, but for that language. */
import { decimal } from "../model/format.ts";
import type { Ticks } from "./time-ticks.ts";

const STEPS = [1, 2, 5, 10];
/** From here on thousands are shortened, on all of the axis. */
const SHORTENED_FROM = 10_000;
const SHORTENINGS: readonly [number, string][] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];
const MOST_DIGITS = 12;
/** An axis that is not drawn yet, or is wrong, has no more. */
const MOST_TICKS = 50;

/** Marks at round values from `bottom` to `top`, some `count` of them or one each `step`; the last one says the unit (`suffix`). */
export function valueTicks([bottom, top]: readonly [number, number], suffix: string, count = 5, step = roundStep((top - bottom) / count)): Ticks {
  const first = Math.ceil(bottom / step - 1e-9);
  const last = Math.min(first + MOST_TICKS, Math.floor(top / step + 1e-9));
  const tickvals: number[] = [];
  for (let place = first; place <= last; place++) tickvals.push(place * step || 0);
  const short = Math.max(top, -bottom) >= SHORTENED_FROM;
  const ticktext = tickvals.map((value, place) => written(value, step, short) + (place === tickvals.length - 1 ? suffix : ""));
  return { tickvals, ticktext };
}

function roundStep(wanted: number): number {
  if (!(wanted > 0) || !Number.isFinite(wanted)) return 1;
  const power = 10 ** Math.floor(Math.log10(wanted));
  return (STEPS.find((one) => one * power >= wanted * (1 - 1e-9)) ?? 10) * power;
}

function written(value: number, step: number, short: boolean): string {
  const [divisor, letter] = (short && SHORTENINGS.find(([least]) => Math.abs(value) >= least)) || [1, ""];
  const digits = Math.ceil(-Math.log10(step / divisor) - 1e-9);
  return decimal(value / divisor, 0, Math.min(MOST_DIGITS, Math.max(digits, 0) + 1)) + letter;
}
