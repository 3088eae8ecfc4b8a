/** How the services of this installation are set up, in words. Pure. */
import { decimal, whole } from "./format.ts";

export interface Retention {
  what: string;
  seconds: number;
  most_bytes?: number;
  /** The environment variable that sets it when the service starts. */
  variable?: string;
}

export interface Limit {
  what: string;
  /** 0: any number. */
  most: number;
  used?: number;
  variable?: string;
}

export interface ServiceSetup {
  service: string;
  version: string;
  retention?: Retention[];
  limits?: Limit[];
  /** What does not answer it, with the reason. */
  failing?: Record<string, string>;
}

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;

/** `30 days`, `72 hours`; days from three on. */
export function keptInWords(seconds: number): string {
  if (seconds >= 3 * DAY_S) return counted(seconds / DAY_S, "day");
  if (seconds >= HOUR_S) return counted(seconds / HOUR_S, "hour");
  return counted(seconds / 60, "minute");
}

function counted(count: number, one: string): string {
  return `${decimal(count, 0, 1)} ${one}${count === 1 ? "" : "s"}`;
}

export function bytesInWords(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  let value = bytes;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${decimal(value, 0, 1)} ${units[at]}`;
}

/** `12 of 200`, `1,000`, `any number`. */
export function limitInWords({ most, used, what }: Limit): string {
  if (!most) return "any number";
  const written = what.startsWith("Bytes") ? bytesInWords(most) : whole(most);
  return used === undefined ? written : `${whole(used)} of ${written}`;
}

/** Whether so much is used that it soon cannot grow. */
export function isNearlyFull({ most, used }: Limit): boolean {
  return most > 0 && used !== undefined && used >= 0.9 * most;
}
