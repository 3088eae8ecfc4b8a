/** Asks again and again while the page is visible: the newest answer, and why there is no newer one. */
import { useEffect, useRef, useState } from "preact/hooks";
import { gatewayNow, NoAnswer } from "./analytics.ts";
import type { Asked, Failure } from "../model/asked.ts";

/** After a failure it is asked sooner: restarts take seconds. */
const AGAIN_MS = 5_000;

const NOTHING: Asked<never> = { value: null, at: 0, asking: true, failure: null };

/**
 * What `ask` answers, every `everyMs`; with another `key` from nothing again, and not at all without one. A hidden tab does not
 * ask; shown again, it does so at once where an answer is due. Nor is what is not `seen`, which keeps what it has. The second is asked for now.
 */
export function useAsked<T>(key: string | null, everyMs: number, ask: (signal: AbortSignal) => Promise<T>, seen = true): [Asked<T>, () => void] {
  const [kept, setKept] = useState<{ key: string | null; asked: Asked<T> }>({ key, asked: NOTHING });
  const newest = useRef(ask);
  newest.current = ask;
  const last = useRef(kept);
  last.current = kept;
  const now = useRef(() => {});
  useEffect(() => {
    if (key === null || !seen) return undefined;
    const abort = new AbortController();
    let timer = 0;
    let due = 0;
    let busy = false;
    let again = false;
    // Asked more often from now on: what is there stays.
    let asked: Asked<T> = last.current.key === key ? last.current.asked : NOTHING;
    const set = (next: Asked<T>) => {
      asked = next;
      setKept({ key, asked });
    };
    const run = async () => {
      if (busy) return;
      busy = true;
      clearTimeout(timer);
      set({ ...asked, asking: true });
      try {
        const value = await newest.current(abort.signal);
        if (abort.signal.aborted) return;
        set({ value, at: gatewayNow(), asking: false, failure: null });
      } catch (error) {
        if (abort.signal.aborted) return;
        set({ ...asked, asking: false, failure: failureOf(error) });
      }
      busy = false;
      if (again) {
        again = false;
        return void run();
      }
      plan(asked.failure ? Math.min(AGAIN_MS, everyMs) : everyMs);
    };
    const plan = (ms: number) => {
      due = performance.now() + ms;
      timer = window.setTimeout(() => {
        if (document.visibilityState === "visible") void run();
      }, ms);
    };
    const returned = () => {
      if (document.visibilityState === "visible" && performance.now() >= due) void run();
    };
    // The network is back: what failed is asked again at once.
    const online = () => {
      if (asked.failure) void run();
    };
    document.addEventListener("visibilitychange", returned);
    window.addEventListener("online", online);
    // An answer that is on its way may be of before: it is asked for once more.
    now.current = () => {
      again = busy;
      void run();
    };
    const rest = asked.value === null || asked.failure ? 0 : asked.at + everyMs - gatewayNow();
    if (rest > 0 && rest < everyMs) plan(rest);
    else void run();
    return () => {
      document.removeEventListener("visibilitychange", returned);
      window.removeEventListener("online", online);
      clearTimeout(timer);
      now.current = () => {};
      abort.abort();
    };
  }, [key, everyMs, seen]);
  return [kept.key === key ? kept.asked : NOTHING, () => now.current()];
}

/** Why nothing was answered, as a page says it; what is no answer is thrown on. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof NoAnswer)) throw error;
  const { nearest = [] } = error.place;
  return { why: error.message, key: error.status === 401 || error.status === 403, ...(error.field ? { field: error.field, nearest } : {}) };
}
