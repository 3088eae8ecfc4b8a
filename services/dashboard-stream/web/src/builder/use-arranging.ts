/** Moves panels by one handle and resizes them by another, with a mouse, a finger or a pen, on a grid of cards with `data-panel`. */
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { COLUMNS, GAP, MOST_ROWS, type Place } from "../model/layout.ts";
import type { Cell } from "./arrange.ts";

/** A row of the editor: of the page's, and a part of what stands above each panel. */
export const EDITOR_ROW = 96;

/** So near to the edge of the window, or to what stands at its top, it scrolls by so many px a frame, while there are cards beyond it. */
const TOP = 120;
const BOTTOM = 64;
const SCROLLS_BY = 12;

/** What is being done: a panel follows the pointer by `dx` and `dy` px, or has another size. */
export type Arranging = { at: number } & ({ over: Target | null; dx: number; dy: number } | { size: { columns?: number; rows?: number } });

/** The panel that is pointed at, or a free cell of the grid. */
export type Target = { panel: number } | { cell: Cell };

interface Settings {
  grid: RefObject<HTMLElement | null>;
  places: readonly (Place | undefined)[];
  drop: (at: number, over: Target) => void;
  resize: (at: number, size: { columns?: number; rows?: number }) => void;
}

interface Begun {
  kind: "move" | "resize";
  at: number;
  x: number;
  y: number;
  scrolled: number;
  /** Where cards were when it began: they stand still until it ends. */
  boxes: Box[];
  columns: number;
  rows: number;
}

interface Box {
  at: number;
  left: number;
  top: number;
  width: number;
  height: number;
}

interface Handle {
  onPointerDown: (event: PointerEvent) => void;
  onPointerMove: (event: PointerEvent) => void;
  onPointerUp: () => void;
  onPointerCancel: () => void;
}

/** What is being done, `null` while nothing is; and what the handles of a card listen to. Escape ends it without a change. */
export function useArranging(settings: Settings): [Arranging | null, (kind: Begun["kind"], at: number) => Handle] {
  const [arranging, setArranging] = useState<Arranging | null>(null);
  const newest = useRef<Arranging | null>(null);
  const begun = useRef<Begun | null>(null);
  const pointer = useRef({ x: 0, y: 0 });
  const now = useRef(settings);
  now.current = settings;

  const put = (next: Arranging | null) => {
    newest.current = next;
    setArranging(next);
  };
  const end = () => {
    begun.current = null;
    put(null);
  };
  const follow = () => {
    const one = begun.current;
    const grid = now.current.grid.current;
    if (!one || !grid) return;
    const dx = pointer.current.x - one.x;
    const dy = pointer.current.y - one.y + (scrollY - one.scrolled);
    if (one.kind === "move") {
      put({ at: one.at, over: targetOf(grid, one, pointer.current, now.current.places), dx, dy });
      return;
    }
    const unit = ((grid.clientWidth + GAP) / COLUMNS) * (isMirrored(grid) ? -1 : 1);
    const columns = Math.max(1, Math.min(COLUMNS, one.columns + Math.round(dx / unit)));
    const rows = Math.max(1, Math.min(MOST_ROWS, one.rows + Math.round(dy / (EDITOR_ROW + GAP))));
    put({ at: one.at, size: { ...(columns !== one.columns && { columns }), ...(rows !== one.rows && { rows }) } });
  };

  const isBusy = arranging !== null;
  useEffect(() => {
    if (!isBusy) return undefined;
    const pressed = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      end();
    };
    let frame = 0;
    const scroll = () => {
      const edge = now.current.grid.current?.getBoundingClientRect() ?? { top: 0, bottom: 0 };
      const isUp = pointer.current.y < TOP && edge.top < TOP;
      const isDown = pointer.current.y > innerHeight - BOTTOM && edge.bottom > innerHeight - BOTTOM;
      const by = isUp ? -SCROLLS_BY : isDown ? SCROLLS_BY : 0;
      const before = scrollY;
      if (by) scrollBy(0, by);
      if (scrollY !== before) follow();
      frame = requestAnimationFrame(scroll);
    };
    frame = requestAnimationFrame(scroll);
    addEventListener("keydown", pressed, { capture: true });
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("keydown", pressed, { capture: true });
    };
  }, [isBusy]);

  const handle = (kind: Begun["kind"], at: number): Handle => ({
    onPointerDown: (event) => {
      const grid = settings.grid.current;
      if (event.button !== 0 || !grid) return;
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
      const boxes = boxesIn(grid);
      const own = boxes.find((box) => box.at === at);
      const rows = Math.max(1, Math.round(((own?.height ?? 0) + GAP) / (EDITOR_ROW + GAP)));
      begun.current = { kind, at, x: event.clientX, y: event.clientY, scrolled: scrollY, boxes, columns: settings.places[at]?.columns ?? COLUMNS, rows };
      pointer.current = { x: event.clientX, y: event.clientY };
    },
    onPointerMove: (event) => {
      if (!begun.current) return;
      pointer.current = { x: event.clientX, y: event.clientY };
      follow();
    },
    onPointerUp: () => {
      const [one, done] = [begun.current, newest.current];
      end();
      if (!one || !done) return;
      if ("over" in done) {
        if (done.over) now.current.drop(one.at, done.over);
        return;
      }
      if (Object.keys(done.size).length) now.current.resize(one.at, done.size);
    },
    onPointerCancel: end,
  });
  return [arranging, handle];
}

/** What has a style sheet put a card into its cells. */
export function cellStyle({ x, y, columns, rows }: Place): Record<string, string> {
  return { "--cx": `${x + 1} / span ${columns}`, "--cy": `${y + 1} / span ${rows}` };
}

function isMirrored(grid: HTMLElement): boolean {
  return getComputedStyle(grid).direction === "rtl";
}

/** Where the cards stand in the grid. */
function boxesIn(grid: HTMLElement): Box[] {
  const edge = grid.getBoundingClientRect();
  return [...grid.querySelectorAll<HTMLElement>("[data-panel]")].map((card) => {
    const { left, top, width, height } = card.getBoundingClientRect();
    return { at: Number(card.dataset.panel), left: left - edge.left, top: top - edge.top, width, height };
  });
}

function targetOf(grid: HTMLElement, { at, boxes }: Begun, pointer: { x: number; y: number }, places: readonly (Place | undefined)[]): Target | null {
  const edge = grid.getBoundingClientRect();
  const [x, y] = [pointer.x - edge.left, pointer.y - edge.top];
  const on = boxes.find((box) => x >= box.left && x <= box.left + box.width && y >= box.top && y <= box.top + box.height);
  if (on) return on.at === at ? null : { panel: on.at };
  const along = isMirrored(grid) ? edge.width - x : x;
  const column = Math.max(0, Math.min(COLUMNS - 1, Math.floor((along / (edge.width + GAP)) * COLUMNS)));
  const beside = boxes.find((box) => y >= box.top && y <= box.top + box.height);
  const place = beside && places[beside.at];
  if (beside && place) return { cell: { x: column, y: place.y + Math.min(place.rows - 1, Math.floor(((y - beside.top) / beside.height) * place.rows)) } };
  const ends = places.map((one) => (one ? one.y + one.rows : 0));
  return { cell: { x: column, y: y < 0 ? 0 : Math.max(0, ...ends) } };
}
