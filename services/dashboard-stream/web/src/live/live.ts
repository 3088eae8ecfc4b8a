/**
 * One dashboard while it is looked at: its feed, its board, and its listeners.
 *
 * Frames come up to ten times a second; listeners are called at most {@link NUMBERS_HZ} times a second, in an animation frame, so
 * never in a hidden tab. The clock is the service's: a browser whose own is wrong shows the same minutes as all others.
 */
import { Board } from "../model/board.ts";
import { address, Feed, type Link, Moment } from "./feed.ts";
import { type Delays, PaintDelays } from "./paint-delays.ts";

const NUMBERS_HZ = 6;
const INTERVAL_MS = 1000 / NUMBERS_HZ;
/** Ages and pauses go on without frames. */
const IDLE_MS = 1000;

export class Live {
  readonly board = new Board();
  link: Link = { state: "connecting" };
  readonly #feed: Feed;
  readonly #listeners = new Set<() => void>();
  readonly #paint = new PaintDelays();
  #heard = new Moment();
  #calledAt = 0;
  #waiting = false;
  #timer = 0;
  #idle = 0;
  #started = false;

  constructor(path: string) {
    this.#feed = new Feed(
      () => address(path, this.board.epoch, this.board.seq, location.href),
      (frame) => {
        this.#heard = new Moment();
        const taken = this.board.take(frame);
        if (taken && document.visibilityState === "visible") this.#paint.came(frame, performance.now());
        if (taken) this.#tell();
        return taken;
      },
      (link) => {
        this.link = link;
        this.#tell();
      },
    );
  }

  /** Connects, the first time that it is called. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#feed.open();
    this.#idle = window.setInterval(() => this.#tell(), IDLE_MS);
    for (const event of ["visibilitychange", "resume"]) document.addEventListener(event, this.#returned);
    for (const event of ["online", "pageshow"]) window.addEventListener(event, this.#returned);
  }

  end(): void {
    clearInterval(this.#idle);
    clearTimeout(this.#timer);
    for (const event of ["visibilitychange", "resume"]) document.removeEventListener(event, this.#returned);
    for (const event of ["online", "pageshow"]) window.removeEventListener(event, this.#returned);
    this.#listeners.clear();
    this.#feed.end();
  }

  retry(): void {
    this.#feed.retry();
  }

  /** Milliseconds since the newest frame. */
  heardMs(): number {
    return this.board.frames ? this.#heard.passedMs() : Number.POSITIVE_INFINITY;
  }

  /** The service's clock, carried on by ours since the newest frame. */
  now(): number {
    return this.board.frames ? this.board.ts + this.#heard.passedMs() : Date.now();
  }

  /** How long numbers took to the screen. */
  delays(): Delays | null {
    return this.#paint.delays();
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.board.frames) this.#tell(); // of what came before anybody listened
    return () => this.#listeners.delete(listener);
  }

  readonly #returned = () => {
    if (document.visibilityState === "visible") this.#feed.returned();
  };

  #tell(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const left = this.#calledAt + INTERVAL_MS - performance.now();
    this.#timer = window.setTimeout(() => requestAnimationFrame(this.#now), Math.max(0, left));
  }

  readonly #now = () => {
    this.#waiting = false;
    this.#calledAt = performance.now();
    for (const listener of this.#listeners) listener();
    const drawn = this.#paint.take();
    // Drawn within this animation frame; a task after it finds it painted.
    if (drawn.length) setTimeout(() => this.#paint.painted(drawn, performance.now()));
  };
}
