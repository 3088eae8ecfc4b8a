/** From where on a number is good, a warning and bad: a panel's own limits, or those of the KPI that it shows. Pure. */
import type { Entry } from "./catalogue.ts";
import type { Limits } from "./contracts.ts";

export type KnownLimits = Pick<Entry, "direction" | "target" | "warn" | "bad">;

/** How a number stands by its limits, in words. */
export const LIMIT_WORDS = { "": "", good: "on target", warn: "warning", bad: "bad" } as const;

export function limitsOf(own: Limits | null | undefined, entry: KnownLimits | undefined): KnownLimits {
  if (!own) return entry ?? {};
  const limits: KnownLimits = { direction: own.direction ?? "up" };
  for (const name of ["target", "warn", "bad"] as const) {
    const value = own[name];
    if (value !== null && value !== undefined) limits[name] = value;
  }
  return limits;
}
