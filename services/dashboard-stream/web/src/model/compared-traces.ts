/** Two traces side by side, as the address names them, and where they differ. Pure. */
import type { ComparisonAnswer, PathStep } from "./contracts.ts";
import { COMPARE_PATH, linkTo } from "./explorer-choice.ts";

export interface TracePair {
  left: string;
  right: string;
}

export interface Difference {
  step: PathStep;
  /** By how much longer the second trace waited there, in ms. */
  change: number;
}

/** Smaller differences than this part of the longer trace explain nothing. */
const LEAST_SHARE = 0.01;

export function pairOf(query: string): TracePair {
  const given = new URLSearchParams(query);
  return { left: (given.get("left") ?? "").trim().toLowerCase(), right: (given.get("right") ?? "").trim().toLowerCase() };
}

export function compareLink({ left, right }: TracePair): string {
  return linkTo(COMPARE_PATH, { left, right });
}

/** What made one trace longer than the other, the largest first. */
export function differences({ steps, left_ms, right_ms }: Pick<ComparisonAnswer, "steps" | "left_ms" | "right_ms">): Difference[] {
  const least = LEAST_SHARE * Math.max(left_ms, right_ms);
  return steps
    .map((step) => ({ step, change: (step.right?.path_ms ?? 0) - (step.times?.path_ms ?? 0) }))
    .filter((one) => Math.abs(one.change) > least)
    .sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
}
