/** Hears at once that a request was refused for its key, so that the page asks for another one. */
import { useEffect, useRef } from "preact/hooks";
import { onKeyRefused } from "./analytics.ts";

export function useKeyRefused(act: () => void): void {
  const newest = useRef(act);
  newest.current = act;
  useEffect(() => onKeyRefused(() => newest.current()), []);
}
