/** The state of the page: how it is connected, how old its numbers are, and what they leave out. Pure. */
import type { Board } from "../model/board.ts";
import type { Link } from "./feed.ts";
import { duration } from "../model/format.ts";

export type Tone = "good" | "warn" | "bad" | "quiet";

export interface Status {
  word: string;
  tone: Tone;
  /** A sentence where the word alone leaves a question. */
  why: string;
}

/** A page without a frame for this long has stale numbers: the service sends one every two seconds at least. */
export const STALE_MS = 5_000;
/** Numbers come every second from every service that runs; older ones mean that analytics has stopped. */
export const OLD_MS = 20_000;

/** `heardMs`: since the newest frame. `now`: this machine's clock, for pauses. */
export function status(link: Link, board: Board, heardMs: number, now: number): Status {
  if (link.state === "refused") return { word: "refused", tone: "bad", why: link.why };
  if (link.state === "connecting") return { word: "connecting", tone: "quiet", why: "" };
  if (link.state === "waiting") {
    const left = Math.ceil((link.until - now) / 1000);
    const next = left > 0 ? `Trying again in ${left} s.` : "Trying again.";
    return { word: "reconnecting", tone: "warn", why: `${link.why} ${next}` };
  }
  if (heardMs > STALE_MS) return { word: "stale", tone: "warn", why: `No update for ${duration(heardMs)}.` };
  if (board.value("stream.bus_connected") === 0) {
    return { word: "stale", tone: "warn", why: "The service has lost the bus: these are the last known values." };
  }
  if (board.value("stream.history_ready") === 0) {
    return { word: "catching up", tone: "quiet", why: "The service is still reading the recent past." };
  }
  if (board.problems.length) return { word: "incomplete", tone: "warn", why: `These numbers are not complete: ${board.problems.join("; ")}.` };
  const age = ageMs(board, heardMs);
  if (age === null) return { word: "waiting", tone: "quiet", why: "No data yet: waiting for the first data." };
  if (age > OLD_MS) return { word: "stale", tone: "warn", why: `No new numbers for ${duration(age)}: no events arrive, or analytics is down.` };
  return { word: "live", tone: "good", why: "" };
}

/** How old the newest numbers are; `null` before the first ones. */
export function ageMs(board: Board, heardMs: number): number | null {
  const fresh = board.value("freshness_ms");
  return fresh === null ? null : fresh + heardMs;
}

export function ageInWords(age: number | null): string {
  if (age === null) return "no data yet";
  return age < 1000 ? "data under 1 s old" : `data ${duration(age)} old`;
}

const LOSSES: [string, (count: number) => string][] = [
  ["stream.refused_series", (n) => `${n} series beyond the limit`],
  ["stream.ignored_windows", (n) => `${n} windows too old or from the future`],
  ["stream.refused_tenants", (n) => `${n} tenants beyond the limit`],
];

/** What the numbers on the screen leave out. Empty: nothing. */
export function missing(board: Board): string[] {
  const result = LOSSES.flatMap(([name, say]) => {
    const count = board.value(name);
    return count ? [say(count)] : [];
  });
  if (board.skipped) result.push(`${board.skipped} ${board.skipped === 1 ? "frame" : "frames"} merged into a later one`);
  return result;
}
