/** Moves cards by a handle, with a mouse, a finger or a pen; a list of any layout, each card with `data-panel`. */
import { useRef, useState } from "preact/hooks";

export interface Drag {
  from: number;
  to: number;
}

interface Handle {
  onPointerDown: (event: PointerEvent) => void;
  onPointerMove: (event: PointerEvent) => void;
  onPointerUp: (event: PointerEvent) => void;
  onPointerCancel: () => void;
}

/** What is dragged where, `null` while nothing is; and what the handle of a card listens to. */
export function useDrag(move: (from: number, to: number) => void): [Drag | null, (at: number) => Handle] {
  const [drag, setDrag] = useState<Drag | null>(null);
  const newest = useRef<Drag | null>(null);
  const put = (next: Drag | null) => {
    newest.current = next;
    setDrag(next);
  };
  const handle = (at: number): Handle => ({
    onPointerDown: (event) => {
      if (event.button !== 0) return;
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
      put({ from: at, to: at });
    },
    onPointerMove: (event) => {
      const now = newest.current;
      if (!now) return;
      const card = document.elementFromPoint(event.clientX, event.clientY)?.closest<HTMLElement>("[data-panel]");
      const to = Number(card?.dataset.panel ?? now.to);
      if (to !== now.to) put({ ...now, to });
    },
    onPointerUp: () => {
      const now = newest.current;
      put(null);
      if (now && now.to !== now.from) move(now.from, now.to);
    },
    onPointerCancel: () => put(null),
  });
  return [drag, handle];
}
