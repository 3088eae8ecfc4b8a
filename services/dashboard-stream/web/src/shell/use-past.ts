/** The numbers of a dashboard over the range of time that is shown, where frames do not carry them. */
import { useMemo, useState } from "preact/hooks";
import { gatewayNow } from "../live/analytics.ts";
import { fetchPast } from "../live/past.ts";
import type { Asked } from "../model/asked.ts";
import { Board } from "../model/board.ts";
import type { Dashboard } from "../model/catalogue.ts";
import { boundsOf, follows, NOW, type Shown } from "../model/shown-time.ts";
import { useAsked } from "../live/use-asked.ts";

const MINUTE_MS = 60_000;
/** What frames carry of the past. */
export const FEED_MS = 15 * MINUTE_MS;

/** Whether frames alone show it. */
export function isLive(shown: Shown, now: number): boolean {
  if (!follows(shown)) return false;
  const { from, to } = boundsOf(shown, now);
  return to - from <= FEED_MS;
}

export interface Past {
  asked: Asked<Board>;
  /** What came so far of a first answer. */
  part: Board | null;
  everyMs: number;
  /** Asks now. */
  again: () => void;
}

/** The board of `dashboard` over the range, asked again as often as it moves; nothing where `needed` is false. */
export function usePast(dashboard: Dashboard | null, shown: Shown, needed: boolean): Past {
  const { from, to, paused, utc } = shown;
  const everyMs = paceOf(shown);
  const readings = useMemo(() => readingsOf(dashboard), [dashboard]);
  const key = dashboard && needed ? JSON.stringify([dashboard.name, from, to, paused, utc, readings]) : null;
  const [part, setPart] = useState<{ key: string | null; board: Board } | null>(null);
  const [asked, again] = useAsked(key, everyMs, (signal) =>
    fetchPast(dashboard?.series ?? [], boundsOf(shown, gatewayNow()), signal, (board) => setPart({ key, board })),
  );
  return { asked, part: part !== null && part.key === key && !asked.value ? part.board : null, everyMs, again };
}

/** Changes where a dashboard asks for something else. */
export function readingsOf(dashboard: Dashboard | null): string {
  return dashboard?.series.map(({ name, labels, total }) => [name, ...labels, total].join()).join("\n") ?? "";
}

/** A range that moves is asked for often as its points are narrow; one in the past may still get late events. */
export function paceOf(shown: Shown): number {
  const { from, to } = boundsOf(shown, gatewayNow());
  if (!shown.to.startsWith(NOW) || shown.paused) return gatewayNow() - to > 10 * MINUTE_MS ? 10 * MINUTE_MS : MINUTE_MS;
  const hours = (to - from) / (60 * MINUTE_MS);
  return hours <= 1 ? 15_000 : hours <= 6 ? 30_000 : hours <= 24 ? MINUTE_MS : 5 * MINUTE_MS;
}

/** What stands there until the first answer is. */
export function loading(shown: Shown, now: number): Board {
  const board = new Board();
  board.range = { ...boundsOf(shown, now), steps: new Map(), whole: true };
  return board;
}
