/** What moving and resizing panels makes of their layouts, and where a panel lands that is dropped. Pure. */
import type { Layout } from "../model/contracts.ts";
import { COLUMNS, MOST_ROWS, type Place, placesOn, sizeOf, type Width } from "../model/layout.ts";
import type { Panel } from "../model/panels.ts";

export interface Cell {
  x: number;
  y: number;
}

/** Each panel with a width of its own, as it has on the grid now: from here on none changes by what is done to another. */
export function byHand(panels: readonly Panel[]): Panel[] {
  const places = placesOn(panels, "desk");
  return panels.map((panel, i) => (panel.layout?.columns ? panel : withLayout(panel, { columns: places[i]?.columns })));
}

/** Without what anybody arranged. */
export function byKind(panels: readonly Panel[]): Panel[] {
  return panels.map(({ layout: _, ...panel }) => panel as Panel);
}

/** The panel at `from` moved to `to` in their order; at `x` it begins in that column. */
export function moved(panels: readonly Panel[], from: number, to: number, x?: number): Panel[] {
  const arranged = byHand(panels);
  const [panel] = arranged.splice(from, 1);
  if (!panel) return arranged;
  arranged.splice(to, 0, withLayout(panel, { x }));
  return arranged;
}

/** The panel at `at` with `size` on pages of that width. */
export function resized(panels: readonly Panel[], at: number, width: Width, size: Partial<Pick<Place, "columns" | "rows">>): Panel[] {
  return byHand(panels).map((panel, i) => {
    if (i !== at) return panel;
    const kept = { ...(size.columns !== undefined && { columns: clamped(size.columns, COLUMNS) }), ...(size.rows !== undefined && { rows: clamped(size.rows, MOST_ROWS) }) };
    if (width !== "desk") return withLayout(panel, { [width]: { ...panel.layout?.[width], ...kept } });
    const { x } = panel.layout ?? {};
    return withLayout(panel, { ...kept, ...(x != null && { x: Math.min(x, COLUMNS - (kept.columns ?? sizeOf(panel, "desk").columns)) }) });
  });
}

function clamped(value: number, most: number): number {
  return Math.max(1, Math.min(most, Math.round(value)));
}

/** The panel with the change to its layout, in which nothing is said that goes without saying. */
export function withLayout(panel: Panel, change: Partial<Layout>): Panel {
  const { layout, ...rest } = panel;
  const next = tidy({ ...layout, ...change });
  for (const width of ["tablet", "phone"] as const) if (next[width] && !Object.keys(tidy(next[width])).length) delete next[width];
  return (Object.keys(next).length ? { ...rest, layout: next } : rest) as Panel;
}

function tidy<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== false)) as T;
}

/** Where the panel at `from` goes that is dropped on a free cell: it stands where that is, if it can. */
export function dropped(panels: readonly Panel[], from: number, cell: Cell, width: Width): { to: number; x?: number } {
  const places = placesOn(panels, width);
  const to = places.filter((place, i) => place && i !== from && (place.y < cell.y || (place.y === cell.y && place.x < cell.x))).length;
  const flows = landing(panels, from, { to }, width);
  const columns = places[from]?.columns ?? COLUMNS;
  const x = Math.max(0, Math.min(cell.x, COLUMNS - columns));
  if (width !== "desk" || (flows && holds(flows, cell))) return { to };
  const put = landing(panels, from, { to, x }, width);
  return put && holds(put, { x, y: cell.y }) ? { to, x } : { to };
}

/** Where the panel at `from` would stand after that move. */
export function landing(panels: readonly Panel[], from: number, { to, x }: { to: number; x?: number }, width: Width): Place | undefined {
  return placesOn(moved(panels, from, to, x), width)[to];
}

function holds(place: Place, { x, y }: Cell): boolean {
  return x >= place.x && x < place.x + place.columns && y >= place.y && y < place.y + place.rows;
}

/** The panels where the one at `open` has the whole width, for its form. */
export function withOpen(panels: readonly Panel[], open: number, width: Width): Panel[] {
  const whole = width === "desk" ? { columns: COLUMNS, rows: undefined, x: undefined } : { [width]: { columns: COLUMNS } };
  return panels.map((panel, i) => (i === open ? withLayout(panel, whole) : panel));
}
