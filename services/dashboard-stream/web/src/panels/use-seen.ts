/** Whether a part of the page is on the screen, or close to it. */
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

const MARGIN = "200px";

export function useSeen(place: RefObject<Element | null>): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const observer = new IntersectionObserver((entries) => setSeen(entries.at(-1)?.isIntersecting ?? false), { rootMargin: MARGIN });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return seen;
}
