/**
 * The WebSocket of one dashboard, kept open.
 *
 * How this works
 * --------------
 * The service sends a snapshot and then updates, at least every two seconds, without being asked. After a close we reconnect and
 * say which frame we have (`since`): where it is known, what came meanwhile is sent, else a snapshot. We come soon at first, as a
 * restart takes seconds, and after {@link SOON_TRIES} with growing pauses. All are jittered, so that a thousand pages do not
 * return in the same instant; they start small again after the first *frame*, not after the opening, which a server in trouble
 * also manages. A socket that is silent for {@link SILENT_MS} is treated as dead: networks drop connections silently, and machines
 * sleep. A page that is visible again, or that has a network again, comes at once (`returned`).
 *
 * Browsers do not say why a handshake was refused. So a close without any frame is followed by an ordinary request, whose status
 * says whether to reconnect or whether a key is needed.
 */
import { CATALOGUE } from "./dashboards.ts";
import type { Frame } from "../model/contracts.ts";

export type Link =
  | { state: "connecting" }
  | { state: "open" }
  | { state: "waiting"; tries: number; until: number; why: string }
  | { state: "refused"; why: string; key: boolean };

const FIRST_MS = 500;
const SOON_MS = 1_500;
const SOON_TRIES = 20;
const MOST_MS = 15_000;
const SILENT_MS = 20_000;
const LOOK_MS = 1_000;
/** After a return, such a silence is enough: there is a frame every two seconds. */
const RETURNED_SILENT_MS = 5_000;

/** A moment, by a clock that does not jump and by one that goes on while the machine sleeps. */
export class Moment {
  readonly #steady = performance.now();
  readonly #wall = Date.now();

  /** Milliseconds since then, those of a sleep included. */
  passedMs(): number {
    return Math.max(performance.now() - this.#steady, Date.now() - this.#wall);
  }
}

/** The pause before try number `tries` (from 0), half to one and a half times what it is without `chance` in [0, 1). */
export function pause(tries: number, chance: number): number {
  const soon = Math.min(SOON_MS, FIRST_MS * 2 ** tries);
  const later = SOON_MS * 2 ** (tries - SOON_TRIES);
  return Math.min(MOST_MS, Math.max(soon, later)) * (0.5 + chance);
}

/** The address of a WebSocket at `path`, which may have a query, that goes on from a frame where there is one. */
export function address(path: string, epoch: string, seq: number, here: string): URL {
  const url = new URL(path, here);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  if (epoch) url.searchParams.set("since", `${epoch}:${seq}`);
  return url;
}

/** What the close codes of the service mean; the others are networks and restarts. */
export function meaning(code: number): { why: string; final: boolean; key: boolean } {
  switch (code) {
    case 4400:
      return { why: "What the address chooses is not for this dashboard.", final: true, key: false };
    case 4401:
      return { why: "These dashboards need a key.", final: true, key: true };
    case 4403:
      return { why: "This key may not see these dashboards.", final: true, key: true };
    case 4404:
      return { why: "There is no such dashboard here.", final: true, key: false };
    case 4408:
      return { why: "This page received updates too slowly.", final: false, key: false };
    case 4429:
      return { why: "Too many clients are connected.", final: false, key: false };
    case 1001:
    case 1012:
      return { why: "The service is restarting.", final: false, key: false };
    default:
      return { why: "The connection was lost.", final: false, key: false };
  }
}

export class Feed {
  readonly #address: () => URL;
  readonly #onFrame: (frame: Frame) => boolean;
  readonly #onLink: (link: Link) => void;
  #socket: WebSocket | null = null;
  #tries = 0;
  #heard = new Moment();
  #retry = 0;
  #watchdog = 0;
  #ended = false;

  /** `address` is asked before each connection; `onFrame` says `false` where it needs a snapshot again. */
  constructor(address: () => URL, onFrame: (frame: Frame) => boolean, onLink: (link: Link) => void) {
    this.#address = address;
    this.#onFrame = onFrame;
    this.#onLink = onLink;
  }

  open(): void {
    if (this.#ended) return;
    clearTimeout(this.#retry);
    if (this.#tries === 0) this.#onLink({ state: "connecting" });
    const socket = new WebSocket(this.#address());
    let frames = 0;
    this.#socket = socket;
    this.#heard = new Moment();
    clearInterval(this.#watchdog);
    this.#watchdog = window.setInterval(() => {
      if (this.#heard.passedMs() > SILENT_MS) this.#drop(socket, 1006, frames);
    }, LOOK_MS);
    socket.onmessage = (message: MessageEvent<string>) => {
      this.#heard = new Moment();
      const frame = JSON.parse(message.data) as Frame;
      if (!this.#onFrame(frame)) {
        this.#drop(socket, 1012, frames);
        return;
      }
      frames += 1;
      this.#tries = 0;
      if (frames === 1) this.#onLink({ state: "open" });
    };
    socket.onclose = (event) => this.#drop(socket, event.code, frames);
  }

  /** Tries at once, where it waits. */
  retry(): void {
    if (this.#socket || this.#ended) return;
    this.open();
  }

  /** The page is visible again, or there is a network again: connects at once where it waits, or where the socket is silent. */
  returned(): void {
    if (this.#socket && this.#heard.passedMs() <= RETURNED_SILENT_MS) return;
    this.#forget(this.#socket);
    this.#tries = 0; // a network that has just come back may need a second try, soon
    this.retry();
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#retry);
    clearInterval(this.#watchdog);
    this.#forget(this.#socket);
  }

  #drop(socket: WebSocket, code: number, frames: number): void {
    if (socket !== this.#socket) return;
    this.#forget(socket);
    clearInterval(this.#watchdog);
    const close = meaning(code);
    if (close.final) {
      this.#onLink({ state: "refused", why: close.why, key: close.key });
      return;
    }
    this.#wait(close.why);
    if (frames === 0) void this.#ask();
  }

  #wait(why: string): void {
    const after = pause(this.#tries, Math.random());
    this.#tries += 1;
    this.#onLink({ state: "waiting", tries: this.#tries, until: Date.now() + after, why });
    this.#retry = window.setTimeout(() => this.open(), after);
  }

  /** Asks by HTTP what the refused handshake could not say. */
  async #ask(): Promise<void> {
    const tries = this.#tries;
    let status = 0;
    try {
      status = (await fetch(CATALOGUE, { cache: "no-store" })).status;
    } catch {
      return; // nobody answers at all: the pause that runs already is the right answer
    }
    if (this.#ended || this.#tries !== tries || (status !== 401 && status !== 403)) return;
    clearTimeout(this.#retry);
    this.#forget(this.#socket);
    const close = meaning(4000 + status);
    this.#onLink({ state: "refused", why: close.why, key: close.key });
  }

  #forget(socket: WebSocket | null): void {
    if (socket === this.#socket) this.#socket = null;
    if (!socket) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }
}
