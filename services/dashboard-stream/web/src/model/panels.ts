/** The panels of a dashboard, as its document has them, and the readings that they ask. */
import { conditionsInWords, conditionsText } from "./conditions.ts";
import { clockTime } from "./format.ts";
import type { DashboardDocument, Gauge, Heatmap, Line, PanelQuestion, QueryPanel, Stat, TimeSeries } from "./contracts.ts";

/** What of queries goes over time; the others are of the whole range. */
export const OVER_TIME: ReadonlySet<string> = new Set(["line", "area", "bars", "stacked"]);

export type Panel = NonNullable<DashboardDocument["panels"]>[number];
export type Chart = TimeSeries | Heatmap;

/** Lines of a chart: the total, or one for each value of the dimension `by`. */
export interface AskedLine {
  reading: string;
  by?: string;
  /** What the total is called in the legend. */
  name?: string;
}

/** The name of what `question` asks, in frames: `requests.rate`, `events.count.24h`, `requests.rate[service=web]`. */
export function readingOf(question: Pick<PanelQuestion, "metric" | "field" | "span" | "only" | "without">): string {
  const { metric, field, span } = question;
  return (span ? `${metric}.${field}.${span}` : `${metric}.${field}`) + conditionsText(question);
}

const HOUR_MS = 3_600_000;
const HOURS: Readonly<Record<string, number>> = { "1h": 1, "24h": 24 };

/** `text` with the time at which a running total began for `{since}`: totals are over whole clock hours and the one that runs. */
export function withSince(text: string, span: PanelQuestion["span"], now: number): string {
  const hours = HOURS[span ?? ""];
  return hours === undefined ? text : text.replace("{since}", clockTime((Math.floor(now / HOUR_MS) - hours + 1) * HOUR_MS));
}

/** Each question of a panel with its place in it. A kind that is not known here asks nothing. */
export function questionsOf(panel: Panel): [string, PanelQuestion][] {
  if (panel.kind === "stat") return [["value", panel.value], ...numbered("more", panel.more ?? [])];
  if (panel.kind === "time_series") return numbered("lines", panel.lines);
  if (panel.kind === "heatmap") return [["rows", panel.rows]];
  if (panel.kind === "gauge") return [["value", panel.value]];
  if (panel.kind === "bar") return [["bars", panel.bars]];
  if (panel.kind === "pie") return [["parts", panel.parts]];
  if (panel.kind === "table") return numbered("columns", panel.columns.map((column) => ({ ...column, by: panel.by })));
  return [];
}

function numbered(place: string, questions: readonly (PanelQuestion | Line)[]): [string, PanelQuestion][] {
  return questions.map((question, i) => [`${place}[${i}]`, question]);
}

/** What models say, of some metrics. */
export type InsightPanel = Extract<Panel, { kind: "events" | "incidents" | "forecast_scores" }>;

/** What is asked of stored spans, numbers and events while it is seen. */
export type AskedPanel = Extract<Panel, { kind: "traces" | "errors" | "service_map" | "histogram" | "query" | "funnel" | "retention" | "journeys" }>;

/** What users do goes over days. */
export const OF_USERS = ["funnel", "retention", "journeys"] as const;

export function isOfUsers(panel: Panel): boolean {
  return OF_USERS.some((kind) => kind === panel.kind);
}

const ASKED: ReadonlySet<string> = new Set<AskedPanel["kind"]>(["traces", "errors", "service_map", "histogram", "query", ...OF_USERS]);

export function isAsked(panel: Panel): panel is AskedPanel {
  return ASKED.has(panel.kind);
}

/** Whether the panel is a chart over time, which has its height and can be saved as a picture. */
export function isOverTime(panel: Panel): boolean {
  return panel.kind === "time_series" || panel.kind === "heatmap" || (panel.kind === "query" && OVER_TIME.has(panel.show ?? "line")) || (panel.kind === "histogram" && panel.style === "heatmap");
}

/** What names a panel within its dashboard, in addresses too. */
export function keyOf(panel: Panel): string {
  return panel.id ?? panel.title;
}

/** The questions of a chart: at least one. */
export function questions(chart: Chart): readonly (PanelQuestion | Line)[] {
  return chart.kind === "heatmap" ? [chart.rows] : chart.lines;
}

/** What a chart draws: at least one line. */
export function askedLines(chart: Chart): AskedLine[] {
  return questions(chart).map((line) => {
    const name = ("name" in line && line.name) || conditionsInWords(line);
    return { reading: readingOf(line), ...(line.by ? { by: line.by } : {}), ...(name ? { name } : {}) };
  });
}

/** The reading that a chart's unit and window are taken from. */
export function firstReading(chart: Chart): string {
  return askedLines(chart)[0]?.reading ?? "";
}

/** The panels by where they stand on the page: numbers of now, what goes over time, and everything else. */
export interface Sections {
  stats: (Stat | Gauge | QueryPanel)[];
  charts: (Chart | QueryPanel)[];
  lists: Exclude<Panel, Stat | Gauge | Chart>[];
}

export function sections(panels: readonly Panel[]): Sections {
  const result: Sections = { stats: [], charts: [], lists: [] };
  for (const panel of panels) {
    if (panel.kind === "stat" || panel.kind === "gauge" || (panel.kind === "query" && panel.show === "stat")) result.stats.push(panel);
    else if (panel.kind === "time_series" || panel.kind === "heatmap" || (panel.kind === "query" && OVER_TIME.has(panel.show ?? "line"))) result.charts.push(panel);
    else result.lists.push(panel);
  }
  return result;
}
