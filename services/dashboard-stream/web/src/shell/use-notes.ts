/** Notes of the range that is shown, and what models said within it. */
import { gatewayNow } from "../live/analytics.ts";
import { fetchHistory, fetchNotes, type History, type Notes } from "../live/notes.ts";
import type { Asked } from "../model/asked.ts";
import { boundsOf, follows, type Shown } from "../model/shown-time.ts";
import { paceOf } from "./use-past.ts";
import { useAsked } from "../live/use-asked.ts";

const NOTES_EVERY_MS = 30_000;
/** It is read from the bus, message by message. */
const HISTORY_LEAST_MS = 5 * 60_000;

export function useNotes(shown: Shown): [Asked<Notes>, () => void] {
  const { from, to, paused, utc } = shown;
  return useAsked(JSON.stringify([from, to, paused, utc]), NOTES_EVERY_MS, (signal) => fetchNotes(boundsOf(shown, gatewayNow()), signal));
}

/** Nothing is asked where frames carry it all (`needed` is false). */
export function useHistory(shown: Shown, needed: boolean): Asked<History> {
  const { from, to, paused, utc } = shown;
  const key = needed ? JSON.stringify([from, to, paused, utc]) : null;
  const pace = follows(shown) ? Math.max(HISTORY_LEAST_MS, paceOf(shown)) : 10 * 60_000;
  return useAsked(key, pace, (signal) => fetchHistory(boundsOf(shown, gatewayNow()), signal))[0];
}
