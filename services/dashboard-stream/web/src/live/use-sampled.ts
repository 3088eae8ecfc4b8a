/** Asks for an exact answer, and shows one of a part of the users until that has come. */
import { useEffect, useState } from "preact/hooks";
import type { Asked } from "../model/asked.ts";
import { useAsked } from "./use-asked.ts";

/** What is answered sooner needs no sample. */
const PATIENCE_MS = 400;
const ONCE_MS = 3_600_000;

type Ask<T> = (sample: boolean, signal: AbortSignal) => Promise<T>;

/**
 * As {@link useAsked}; `ask` is called with `true` for the sample, whose answer says itself that it is one. It stays where the exact
 * answer takes too long.
 */
export function useSampled<T>(key: string | null, everyMs: number, ask: Ask<T>, seen = true): [Asked<T>, () => void] {
  const [exact, retry] = useAsked(key, everyMs, (signal) => ask(false, signal), seen);
  const [slow, setSlow] = useState<string | null>(null);
  const waits = key !== null && seen && exact.value === null && exact.failure === null;
  useEffect(() => {
    if (!waits) return undefined;
    const timer = window.setTimeout(() => setSlow(key), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [key, waits]);
  const [sample] = useAsked(slow === key && exact.value === null ? key : null, ONCE_MS, (signal) => ask(true, signal), seen);
  return [sample.value === null || exact.value !== null ? exact : { ...exact, value: sample.value, at: sample.at }, retry];
}
