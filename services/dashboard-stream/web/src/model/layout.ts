/** What stands on a dashboard, as data: tiles, charts and tables of readings. Titles, units and labels come from the service. */

/** Lines of a chart: the total, or one for each value of the label `by`. */
export interface LineSpec {
  reading: string;
  by?: string;
  /** What the total is called in the legend. */
  name?: string;
}

export interface ChartSpec {
  kind: "lines" | "heat";
  title: string;
  /** What is counted, for the corner: `requests`, `share of requests`. */
  of?: string;
  lines: LineSpec[];
  /** Fixed ends of the axis, for scores: a change of a hundredth should not look like a landslide. */
  range?: [number, number];
}

export interface TileSpec {
  title: string;
  value: string;
  /** The line behind the number; without it there is none. */
  spark?: string;
  /** More numbers in words: reading and what is said behind it. */
  more?: [string, string][];
  /** Overrides the service's unit: `1` does not tell a share from a score. */
  unit?: string;
  out_of?: string;
}

export interface Column {
  title: string;
  reading: string;
  unit?: string;
}

/** One row for each value of a label, the largest of the first column first. */
export interface TableSpec {
  title: string;
  label: string;
  head: string;
  columns: Column[];
  note?: string;
}

export interface Layout {
  tiles: TileSpec[];
  charts: ChartSpec[];
  tables: TableSpec[];
}
