/** Plays a past range: where it is, and how to stop, go on and seek. */
import type { RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { gatewayNow } from "../live/analytics.ts";
import { advanced, sought } from "../model/replay.ts";
import { type Bounds, boundsOf, type Shown } from "../model/shown-time.ts";

/** Charts are drawn anew each time. */
const TICK_MS = 500;

export interface Replay {
  bounds: Bounds;
  cursor: number;
  playing: boolean;
  play: (on: boolean) => void;
  seek: (at: number) => void;
  /** While true it does not move on: its numbers are not there yet. */
  hold: RefObject<boolean>;
}

/** `null` where nothing is played. */
export function useReplay(shown: Shown): Replay | null {
  const { from, to, paused, utc, replay: speed } = shown;
  const active = speed > 0;
  const bounds = useMemo(() => {
    const { from: begin, to: end } = boundsOf(shown, gatewayNow());
    return { from: begin, to: Math.min(end, gatewayNow()) };
  }, [from, to, paused, utc, active]);
  const [state, setState] = useState({ bounds, cursor: bounds.from, playing: true });
  const current = state.bounds === bounds ? state : { bounds, cursor: bounds.from, playing: true };
  const newest = useRef(current);
  newest.current = current;
  const hold = useRef(true);
  const set = (changed: Partial<typeof current>) => setState({ ...newest.current, ...changed });
  useEffect(() => {
    if (!active || !current.playing) return undefined;
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      const elapsed = now - last;
      last = now;
      if (hold.current || document.visibilityState !== "visible") return;
      const cursor = advanced(newest.current.cursor, elapsed, speed, bounds);
      set({ cursor, playing: cursor < bounds.to });
    }, TICK_MS);
    return () => clearInterval(timer);
  }, [active, current.playing, speed, bounds]);
  if (!active) return null;
  return {
    bounds,
    cursor: current.cursor,
    playing: current.playing,
    play: (on) => set({ playing: on, ...(on && current.cursor >= bounds.to ? { cursor: bounds.from } : {}) }),
    seek: (at) => set({ cursor: sought(at, bounds) }),
    hold,
  };
}
