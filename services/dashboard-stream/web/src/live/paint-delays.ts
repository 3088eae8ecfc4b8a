/**
 * How long numbers take to the screen: from when analytics counted them to when the browser has painted them. Pure.
 *
 * The first part is by the service's clock, within one frame; the second by this machine's, from the frame to its painting. So clocks that
 * differ do no harm; what the network took in between is not in it.
 */
import type { Frame } from "../model/contracts.ts";

/** Some minutes of numbers. */
const KEPT = 500;
/** Of frames that were not painted yet: a hidden tab paints none. */
const WAITING = 50;

export interface Delays {
  p50: number;
  p99: number;
  count: number;
}

export class PaintDelays {
  readonly #delays: number[] = [];
  #waiting: { ageMs: number; heard: number }[] = [];
  #newest = 0;

  /** `frame` came at `heard`. Only what is newer than everything before it counts. */
  came(frame: Frame, heard: number): void {
    const age = frame.data.values["freshness_ms"];
    if (age === null || age === undefined) return;
    const counted = frame.ts - age;
    // A snapshot may be of numbers that nobody waited for.
    if (frame.type === "update" && counted > this.#newest && this.#waiting.length < WAITING) this.#waiting.push({ ageMs: age, heard });
    this.#newest = Math.max(this.#newest, counted);
  }

  /** The frames that came so far; to be told with {@link painted} when they are on the screen. */
  take(): { ageMs: number; heard: number }[] {
    const taken = this.#waiting;
    this.#waiting = [];
    return taken;
  }

  painted(frames: readonly { ageMs: number; heard: number }[], now: number): void {
    for (const { ageMs, heard } of frames) this.#delays.push(ageMs + now - heard);
    this.#delays.splice(0, this.#delays.length - KEPT);
  }

  /** Of the newest {@link KEPT}; `null` before there are enough to say something. */
  delays(): Delays | null {
    const count = this.#delays.length;
    if (count < 20) return null;
    const sorted = [...this.#delays].sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(count - 1, Math.floor(share * count))] as number;
    return { p50: at(0.5), p99: at(0.99), count };
  }
}
