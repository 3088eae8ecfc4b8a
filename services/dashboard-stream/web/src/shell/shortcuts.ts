/** The keys that open the command palette (Ctrl K) and the list of shortcuts (?), and that lead to pages. */
import { createContext } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { GO_TO, PAIR_MS } from "../model/shortcuts.ts";

/** Opens the palette: for the button of the header. */
export const OpenPalette = createContext<() => void>(() => {});

export type Opened = "palette" | "shortcuts" | null;

/** What the keyboard opened; `go` is called where a pair of keys names a page, `kiosk` by its key. */
export function useShortcuts(go: (address: string) => void, kiosk: () => void): [Opened, (opened: Opened) => void] {
  const [opened, setOpened] = useState<Opened>(null);
  const first = useRef(0);
  const does = useRef({ go, kiosk });
  does.current = { go, kiosk };
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setOpened("palette");
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyped(event.target) || document.querySelector("dialog[open]")) return;
      const pair = performance.now() - first.current < PAIR_MS ? GO_TO.find((one) => one.key === event.key) : undefined;
      first.current = event.key === "g" ? performance.now() : 0;
      if (pair) does.current.go(pair.path);
      else if (event.key === "?") setOpened("shortcuts");
      else if (event.key === "k") does.current.kiosk();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
  return [opened, setOpened];
}

/** Whether keys are typed into a field. */
export function isTyped(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}
