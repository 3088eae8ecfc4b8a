/** The width that an element has, for what is drawn in it. */
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** 0 until it is known. */
export function useWidth(place: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const watched = new ResizeObserver(() => setWidth(element.clientWidth));
    watched.observe(element);
    setWidth(element.clientWidth);
    return () => watched.disconnect();
  }, []);
  return width;
}
