/** What the browser's tab says: the state first, since little of it is seen, then the page; in trouble its icon, too. */
import { useEffect } from "preact/hooks";

export function usePageTitle(states: readonly string[], page: string, alarm: boolean): void {
  const title = [...states, page, "Drishti"].join(" · ");
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
    if (!icon || !alarm) return undefined;
    const before = icon.href;
    icon.href = before.replace("favicon.svg", "favicon-alarm.svg");
    return () => {
      icon.href = before;
    };
  }, [alarm]);
}
