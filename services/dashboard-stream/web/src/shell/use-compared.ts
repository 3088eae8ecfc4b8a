/** The period before that a dashboard is compared with, read from stored numbers and read again as the range moves. */
import { useMemo } from "preact/hooks";
import { gatewayNow } from "../live/analytics.ts";
import { fetchPast } from "../live/past.ts";
import type { Asked } from "../model/asked.ts";
import type { Board } from "../model/board.ts";
import type { Dashboard } from "../model/catalogue.ts";
import { type Before, beforeInWords, beforeOf, offsetOf } from "../model/compared.ts";
import { type Bounds, boundsOf, follows, type Shown } from "../model/shown-time.ts";
import { paceOf, readingsOf } from "./use-past.ts";
import { useAsked } from "../live/use-asked.ts";

/** The last seconds are still being counted: a range with them would always be a little lower. */
const COUNTED_MS = 3_000;

/**
 * What is shown beside its period before; nothing where none is chosen. `present` is the board of the whole range where that is read anyway
 * (`null`: not yet); `undefined`: it is read here.
 */
export function useCompared(dashboard: Dashboard | null, shown: Shown, present: Board | null | undefined): Asked<Before> | null {
  const { from, to, paused, utc, compare } = shown;
  const readings = useMemo(() => readingsOf(dashboard), [dashboard]);
  const own = present === undefined;
  const key = dashboard && compare ? JSON.stringify([dashboard.name, from, to, paused, utc, compare, own, readings]) : null;
  const [asked] = useAsked(key, paceOf(shown), async (signal) => {
    const bounds = countedOf(shown, gatewayNow());
    const offset = offsetOf(compare ?? "previous", bounds);
    const entries = dashboard?.series ?? [];
    const before = await fetchPast(entries, { from: bounds.from - offset, to: bounds.to - offset }, signal);
    const now = own ? await fetchPast(entries, bounds, signal) : null;
    return { offset, before, now };
  });
  const value = useMemo(() => {
    const { value } = asked;
    const now = value?.now ?? present;
    return value && now && compare ? beforeOf(beforeInWords(compare, value.offset), value.offset, value.before, now) : null;
  }, [asked.value, present, compare]);
  return key === null ? null : { ...asked, value };
}

/** The range as far as it has been counted. */
function countedOf(shown: Shown, now: number): Bounds {
  const { from, to } = boundsOf(shown, now);
  if (follows(shown)) return { from: from - COUNTED_MS, to: to - COUNTED_MS };
  return { from, to: Math.max(from + 1, Math.min(to, now - COUNTED_MS)) };
}
