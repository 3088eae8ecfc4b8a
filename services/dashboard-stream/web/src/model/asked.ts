/** What was asked and has come, or has not: one state for everything that is asked again and again. Pure. */
import { duration } from "./format.ts";

export interface Failure {
  why: string;
  /** A key is needed, or another one. */
  key: boolean;
  /** The part of the question that is to blame, and the nearest names that may be meant there. */
  field?: string;
  nearest?: readonly string[];
}

/** `at`: when `value` came, in epoch ms. A failure leaves the value that was there, with its age. */
export interface Asked<T> {
  value: T | null;
  at: number;
  asking: boolean;
  failure: Failure | null;
}

export type AskedWord = "loading" | "failed" | "refreshing" | "stale" | "current";

/** Where an answer is older than this, or than three times its pace, its age is said. */
const OLD_MS = 60_000;

export function wordOf(asked: Asked<unknown>, now: number, every_ms: number): AskedWord {
  if (asked.value === null) return asked.failure ? "failed" : "loading";
  if (asked.failure || now - asked.at > Math.max(OLD_MS, 3 * every_ms)) return "stale";
  return asked.asking ? "refreshing" : "current";
}

/** `as of 2 min ago` */
export function ageInWords(asked: Asked<unknown>, now: number): string {
  return asked.value === null ? "" : `as of ${duration(now - asked.at)} ago`;
}
