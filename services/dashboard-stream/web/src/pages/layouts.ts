/**
 * The layouts of the dashboards by name, fitted to what the service shows.
 *
 * A reading that no panel mentions gets a chart of its own behind the others, and a dashboard without a layout consists of such
 * charts: what the service shows is on the page, wherever it was declared.
 */
import type { Dashboard, Entry } from "../model/catalogue.ts";
import { LABELS } from "../model/fields.ts";
import type { ChartSpec, Layout, LineSpec, TileSpec } from "../model/layout.ts";
import { title } from "../model/names.ts";
import { DHARMA_INSIGHTS } from "./dharma-insights.ts";
import { SYSTEM_OVERVIEW } from "./system-overview.ts";
import { USER_ANALYTICS } from "./user-analytics.ts";

const LAYOUTS: Record<string, Layout> = {
  system_overview: SYSTEM_OVERVIEW,
  user_analytics: USER_ANALYTICS,
  dharma_insights: DHARMA_INSIGHTS,
};

const EMPTY: Layout = { tiles: [], charts: [], tables: [] };

/** The layout of `dashboard`, without what the service does not show (any more), with charts for what only the service knows. */
export function layoutOf(dashboard: Dashboard, layouts: Record<string, Layout> = LAYOUTS): Layout {
  const layout = layouts[dashboard.name] ?? EMPTY;
  const series = new Map(dashboard.series.map((entry) => [entry.name, entry]));
  const values = new Set(dashboard.values.map((entry) => entry.name));
  const tiles = layout.tiles.filter((tile) => values.has(tile.value));
  const charts = layout.charts
    .map((chart) => ({ ...chart, lines: chart.lines.filter((line) => fits(line, series.get(line.reading))) }))
    .filter((chart) => chart.lines.length);
  const tables = layout.tables
    .map((table) => ({ ...table, columns: table.columns.filter((column) => values.has(column.reading)) }))
    .filter((table) => table.columns.length);
  const shown = new Set([
    ...tiles.flatMap((tile) => [tile.value, ...(tile.spark ? [tile.spark] : []), ...(tile.more ?? []).map(([reading]) => reading)]),
    ...charts.flatMap((chart) => chart.lines.map((line) => line.reading)),
  ]);
  const others = dashboard.series.filter((entry) => !shown.has(entry.name)).map(ownChart);
  // A dashboard that nobody laid out has a tile for each of its numbers.
  const own = dashboard.name in layouts ? [] : dashboard.values.filter((entry) => !entry.span && entry.total).map(ownTile);
  return { tiles: [...tiles, ...own], charts: [...charts, ...others], tables };
}

function ownTile(entry: Entry): TileSpec {
  return { title: titleOf(entry), value: entry.name, spark: entry.name };
}

/** What people called the metric, where they did. */
function titleOf(entry: Entry): string {
  if (entry.title === undefined) return title(entry.metric, entry.field);
  return [entry.title, LABELS[entry.field] ?? entry.field].filter(Boolean).join(" ");
}

function fits(line: LineSpec, entry: Entry | undefined): boolean {
  return entry !== undefined && (line.by ? entry.labels.includes(line.by) : entry.total);
}

function ownChart(entry: Entry): ChartSpec {
  const lines: LineSpec[] = entry.total ? [{ reading: entry.name, name: "all" }] : [];
  for (const label of entry.labels) lines.push({ reading: entry.name, by: label });
  return { kind: "lines", title: titleOf(entry), lines };
}
