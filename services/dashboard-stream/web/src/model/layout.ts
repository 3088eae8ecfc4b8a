/** Where panels stand on the grid of 12 columns, on each width of the page. Pure. */
import { isOverTime, type Panel } from "./panels.ts";

export const COLUMNS = 12;
export const MOST_ROWS = 24;

export type Width = "desk" | "tablet" | "phone";

/** What a panel takes of the grid: `widens` into free columns beside it, and `deepens` into free rows below it. */
export interface Size {
  columns: number;
  rows: number;
  /** The column at which it has to begin. */
  x?: number;
  widens?: boolean;
  deepens?: boolean;
}

/** A panel's cells, the first being 0, 0. */
export interface Place {
  x: number;
  y: number;
  columns: number;
  rows: number;
}

const SIZES: Partial<Record<Panel["kind"], [columns: number, rows: number]>> = {
  service_map: [6, 5],
  traces: [6, 4],
  histogram: [4, 4],
  forecast_scores: [12, 4],
};
const SMALL = [2, 2] as const;
const CHART = [4, 4] as const;
const WIDE_TABLE = [6, 3] as const;
const USUAL = [4, 3] as const;
const HALF = COLUMNS / 2;
/** A row in px, and the gap between two. */
export const ROW = 76;
export const GAP = 12;
/** A table with more columns has more room than other panels. */
const FEW_COLUMNS = 4;

/** Whether somebody arranged the panels; where nobody did, the page does by their kinds. */
export function isArranged(panels: readonly Panel[]): boolean {
  return panels.some((panel) => panel.layout);
}

/** A table that needs more room than others. */
export function isWide(panel: Panel): boolean {
  return panel.kind === "table" && panel.columns.length > FEW_COLUMNS;
}

/** Whether the panel is left out on pages of this width. */
export function isHidden(panel: Panel, width: Width): boolean {
  return width !== "desk" && panel.layout?.[width]?.hidden === true;
}

/** The size of a panel on pages of this width: `widens` and `deepens` where its document does not say how wide and high it is there. */
export function sizeOf(panel: Panel, width: Width): Size {
  const [usualColumns, usualRows] = isSmall(panel) ? SMALL : isWide(panel) ? WIDE_TABLE : isOverTime(panel) ? CHART : (SIZES[panel.kind] ?? USUAL);
  const { layout } = panel;
  const desk = within(layout?.columns, COLUMNS) ?? usualColumns;
  const own = width === "desk" ? layout : layout?.[width];
  const given = within(own?.columns, COLUMNS);
  const rows = within(own?.rows, MOST_ROWS) ?? (width === "phone" ? null : within(layout?.rows, MOST_ROWS));
  const size = { columns: given ?? desk, rows: rows ?? usualRows, widens: given === null, deepens: rows === null };
  if (width === "tablet") return { ...size, columns: given ?? onTablet(desk) };
  if (width === "phone") return { ...size, columns: (given ?? (isSmall(panel) ? HALF : COLUMNS)) > HALF ? COLUMNS : HALF };
  return layout?.x == null ? size : { ...size, x: Math.max(0, Math.min(layout.x, COLUMNS - size.columns)) };
}

/** A number of now. */
function isSmall(panel: Panel): boolean {
  return panel.kind === "stat" || panel.kind === "gauge" || (panel.kind === "query" && panel.show === "stat");
}

/** `null` for what is no such number: fields are read while somebody types them. */
function within(value: unknown, most: number): number | null {
  return typeof value === "number" && value >= 1 ? Math.min(most, Math.floor(value)) : null;
}

/** A third, a half or the whole. */
function onTablet(desk: number): number {
  return desk <= 2 ? 4 : desk <= HALF ? HALF : COLUMNS;
}

/** Places of sizes in their order, each at the first one with room for it; what may grow takes what would be left free. */
export function packed(sizes: readonly Size[]): Place[] {
  const taken: boolean[][] = [];
  const isFree = (x: number, y: number, columns: number, rows: number) => {
    if (x + columns > COLUMNS) return false;
    for (let row = y; row < y + rows; row++) if (taken[row]?.slice(x, x + columns).includes(true)) return false;
    return true;
  };
  const take = ({ x, y, columns, rows }: Place) => {
    for (let row = y; row < y + rows; row++) (taken[row] ??= Array<boolean>(COLUMNS).fill(false)).fill(true, x, x + columns);
  };
  const places = sizes.map(({ columns, rows, x }) => {
    for (let y = 0; ; y++) {
      for (let at = x ?? 0; at <= (x ?? COLUMNS - columns); at++) {
        if (!isFree(at, y, columns, rows)) continue;
        const place = { x: at, y, columns, rows };
        take(place);
        return place;
      }
    }
  });
  for (const line of linesOf(places)) widen(line);
  const end = taken.length;
  places.forEach((place, i) => {
    while (sizes[i]?.deepens && place.y + place.rows < end && isFree(place.x, place.y + place.rows, place.columns, 1)) {
      place.rows += 1;
      take(place);
    }
  });
  return places;

  /** Panels of one height that begin in one row, side by side without a gap. */
  function linesOf(all: readonly Place[]): Place[][] {
    const ordered = [...all].sort((a, b) => a.y - b.y || a.x - b.x);
    const lines: Place[][] = [];
    for (const place of ordered) {
      const before = lines.at(-1)?.at(-1);
      if (before && before.y === place.y && before.rows === place.rows && before.x + before.columns === place.x) lines.at(-1)?.push(place);
      else lines.push([place]);
    }
    return lines;
  }

  /** Shares what is free behind a line among those of it that may grow; what has a column of its own stays where it is. */
  function widen(line: readonly Place[]): void {
    const sizeAt = (place: Place) => sizes[places.indexOf(place)];
    const fixed = line.findLastIndex((place) => sizeAt(place)?.x !== undefined && !sizeAt(place)?.widens);
    const growing = line.slice(fixed + 1).filter((place) => sizeAt(place)?.widens);
    const last = line.at(-1);
    if (!growing.length || !last) return;
    let free = 0;
    while (isFree(last.x + last.columns + free, last.y, 1, last.rows)) free += 1;
    if (!free) return;
    let x = line[fixed + 1]?.x ?? 0;
    for (const place of line.slice(fixed + 1)) {
      const at = growing.indexOf(place);
      if (at >= 0) place.columns += Math.floor(free / growing.length) + (at < free % growing.length ? 1 : 0);
      place.x = x;
      x += place.columns;
    }
    for (const place of line) take(place);
  }
}

/** What has a style sheet put a panel where it stands. */
export interface Placing {
  style: Record<string, string>;
  class: string;
}

/** Where each panel of an arranged dashboard stands, on every width; on phones one below the other, or two small ones side by side. */
export function placings(panels: readonly Panel[]): Placing[] {
  const desk = placesOn(panels, "desk");
  const tablet = placesOn(panels, "tablet");
  const spans = phoneSpans(panels);
  return panels.map((panel, i) => {
    const fixed = WIDTHS.filter((width) => !sizeOf(panel, width).deepens).map((width) => `fixed-${width}`);
    const hidden = WIDTHS.filter((width) => isHidden(panel, width)).map((width) => `not-${width}`);
    const { rows } = sizeOf(panel, "phone");
    const style = { ...styleOf(desk[i], tablet[i]), "--px": `span ${spans[i]}`, "--ph": `${rows * (ROW + GAP) - GAP}px` };
    return { style, class: [...fixed, ...hidden].join(" ") };
  });
}

const WIDTHS: readonly Width[] = ["desk", "tablet", "phone"];

/** The place of each panel; `undefined` for those that are hidden on pages of this width. */
export function placesOn(panels: readonly Panel[], width: Width): (Place | undefined)[] {
  if (width === "phone") return phonePlaces(panels);
  const shown = panels.filter((panel) => !isHidden(panel, width));
  const places = new Map(packed(shown.map((panel) => sizeOf(panel, width))).map((place, i) => [shown[i], place]));
  return panels.map((panel) => places.get(panel));
}

function phonePlaces(panels: readonly Panel[]): (Place | undefined)[] {
  let [x, y, below] = [0, 0, 0];
  return phoneSpans(panels).map((columns, i) => {
    const panel = panels[i] as Panel;
    if (isHidden(panel, "phone")) return undefined;
    const { rows } = sizeOf(panel, "phone");
    if (x + columns > COLUMNS) [x, y] = [0, below];
    const place = { x, y, columns, rows };
    below = Math.max(below, y + rows);
    x += columns;
    return place;
  });
}

/** A small panel without another one beside it takes the whole width. */
function phoneSpans(panels: readonly Panel[]): number[] {
  const spans: number[] = [];
  let waiting = -1;
  panels.forEach((panel, i) => {
    const { columns, widens } = sizeOf(panel, "phone");
    spans[i] = columns;
    if (isHidden(panel, "phone")) return;
    if (columns === COLUMNS) waiting = -1;
    else if (waiting >= 0) {
      spans[waiting] = HALF;
      waiting = -1;
    } else {
      waiting = i;
      if (widens) spans[i] = COLUMNS;
    }
  });
  return spans;
}

/** Charts of a dashboard that nobody arranged, beside the panel of insights, which is the first; or by themselves. */
export function chartPlacings(charts: number, insights = true): Placing[] {
  const chart = { rows: 1, widens: true, deepens: true };
  const of = (columns: number, beside: Size) => packed([...(insights ? [charts ? beside : { columns: COLUMNS, rows: 1 }] : []), ...Array<Size>(charts).fill({ ...chart, columns })]);
  const [desk, tablet] = [of(4, { columns: 4, rows: 2, x: 8 }), of(HALF, { columns: HALF, rows: 1 })];
  return desk.map((place, i) => ({ style: styleOf(place, tablet[i]), class: "" }));
}

/** Numbers in a row on a desk and on a tablet, of so many: rows of one length, the last of which may be shorter. */
export function numbersInRow(count: number): Record<string, string> {
  const even = (most: number) => String(Math.ceil(count / Math.max(1, Math.ceil(count / most))));
  return { "--desk": even(7), "--tablet": even(4) };
}

function styleOf(desk: Place | undefined, tablet: Place | undefined): Record<string, string> {
  const span = (from: number, length: number) => `${from + 1} / span ${length}`;
  return {
    ...(desk && { "--dx": span(desk.x, desk.columns), "--dy": span(desk.y, desk.rows) }),
    ...(tablet && { "--tx": span(tablet.x, tablet.columns), "--ty": span(tablet.y, tablet.rows) }),
  };
}
