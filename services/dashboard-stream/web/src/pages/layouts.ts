/**
 * Which readings stand where on which dashboard. Data only: titles, units and labels of readings come from the service.
 *
 * A reading that no panel here mentions gets a chart of its own behind the others, and a dashboard that is not here at all
 * consists of such charts: what the service shows is on the page, wherever it was declared.
 */
import type { Dashboard, Entry } from "../model/catalogue.ts";
import { title } from "../model/names.ts";

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

const SATISFACTION: TileSpec = {
  title: "Satisfaction",
  value: "satisfaction.avg",
  spark: "satisfaction.avg",
  out_of: "of 5",
  more: [["satisfaction.count.24h", "answers in 24 h"]],
};
const HIT_RATE: TileSpec = { title: "Cache hits", value: "cache_requests.hit_rate", spark: "cache_requests.hit_rate" };
const TOPICS: TableSpec = {
  title: "Topics",
  label: "topic",
  head: "Topic",
  columns: [
    { title: "24 h", reading: "topics.count.24h" },
    { title: "this hour", reading: "topics.count.1h" },
  ],
};

const LLM_LATENCY: ChartSpec = {
  kind: "lines",
  title: "LLM latency by model",
  of: "p95 of a call",
  lines: [{ reading: "llm_duration_ms.p95", name: "all" }, { reading: "llm_duration_ms.p95", by: "model" }],
};

const LLM_PACE: ChartSpec = {
  kind: "lines",
  title: "LLM time per output token",
  of: "mean of the calls",
  lines: [{ reading: "llm_time_per_output_token_ms.avg", name: "all" }, { reading: "llm_time_per_output_token_ms.avg", by: "model" }],
};

export const LAYOUTS: Record<string, Layout> = {
  system_overview: {
    tiles: [
      { title: "Requests", value: "requests.rate", spark: "requests.rate", more: [["requests.count.1h", "this hour"]] },
      { title: "Errors", value: "requests.error_rate", spark: "requests.error_rate", more: [["requests.errors.24h", "in 24 h"]] },
      {
        title: "Latency p95",
        value: "request_duration_ms.p95",
        spark: "request_duration_ms.p95",
        more: [["request_duration_ms.p50", "p50"], ["request_duration_ms.p99", "p99"]],
      },
      { title: "LLM calls", value: "llm_requests.rate", spark: "llm_requests.rate", more: [["llm_requests.error_rate", "fail"]] },
      HIT_RATE,
      { title: "Events", value: "events.rate", spark: "events.rate", more: [["events.count.1h", "this hour"]] },
      { title: "Active users", value: "active_users.uniques", spark: "active_users.uniques" },
    ],
    charts: [
      {
        kind: "lines",
        title: "Requests by service",
        of: "requests",
        lines: [{ reading: "requests.rate", name: "all" }, { reading: "requests.rate", by: "service" }],
      },
      {
        kind: "lines",
        title: "Latency",
        of: "time to serve a request",
        lines: [
          { reading: "request_duration_ms.p95", name: "p95" },
          { reading: "request_duration_ms.p50", name: "p50" },
          { reading: "request_duration_ms.p99", name: "p99" },
        ],
      },
      { kind: "lines", title: "Errors by service", of: "share of requests", lines: [{ reading: "requests.error_rate", by: "service" }] },
      { kind: "lines", title: "LLM calls by model", of: "calls", lines: [{ reading: "llm_requests.rate", by: "model" }] },
      LLM_LATENCY,
      LLM_PACE,
      { kind: "lines", title: "LLM errors", of: "share of calls", lines: [{ reading: "llm_requests.error_rate", name: "all models" }] },
      { kind: "lines", title: "CPU", of: "of one core", lines: [{ reading: "cpu_utilization.avg", by: "service" }] },
      { kind: "lines", title: "Memory", of: "resident", lines: [{ reading: "memory_usage_bytes.avg", by: "service" }] },
    ],
    tables: [
      {
        title: "Services",
        label: "service",
        head: "Service",
        columns: [
          { title: "requests", reading: "requests.rate" },
          { title: "errors", reading: "requests.error_rate" },
          { title: "p95", reading: "request_duration_ms.p95" },
          { title: "CPU", reading: "cpu_utilization.avg", unit: "share" },
          { title: "memory", reading: "memory_usage_bytes.avg" },
        ],
      },
      { title: "Answers", label: "status", head: "Status", columns: [{ title: "now", reading: "requests.rate" }] },
      {
        title: "Models",
        label: "model",
        head: "Model",
        columns: [
          { title: "calls", reading: "llm_requests.rate" },
          { title: "p95", reading: "llm_duration_ms.p95" },
          { title: "per token", reading: "llm_time_per_output_token_ms.avg" },
        ],
      },
    ],
  },
  user_analytics: {
    tiles: [
      { title: "Active users", value: "active_users.uniques", spark: "active_users.uniques", more: [["active_users.uniques.1h", "this hour"]] },
      { title: "Sessions", value: "sessions.uniques", spark: "sessions.uniques", more: [["sessions.uniques.1h", "this hour"]] },
      { title: "Events", value: "events.rate", spark: "events.rate", more: [["events.count.1h", "this hour"]] },
      { title: "Requests", value: "requests.rate", spark: "requests.rate" },
      SATISFACTION,
    ],
    charts: [
      {
        kind: "lines",
        title: "Events by type",
        of: "events",
        lines: [{ reading: "events.rate", name: "all" }, { reading: "events.rate", by: "event_type" }],
      },
      {
        kind: "lines",
        title: "People",
        of: "distinct, per minute",
        lines: [{ reading: "active_users.uniques", name: "users" }, { reading: "sessions.uniques", name: "sessions" }],
      },
      { kind: "lines", title: "Requests", of: "requests", lines: [{ reading: "requests.rate", name: "all" }] },
      { kind: "lines", title: "Satisfaction", of: "of 5, per minute", lines: [{ reading: "satisfaction.avg", name: "mean" }], range: [0, 5] },
    ],
    tables: [
      TOPICS,
      {
        title: "Event types",
        label: "event_type",
        head: "Type",
        columns: [
          { title: "24 h", reading: "events.count.24h" },
          { title: "this hour", reading: "events.count.1h" },
          { title: "now", reading: "events.rate" },
        ],
      },
    ],
  },
  dharma_insights: {
    tiles: [
      {
        title: "Wisdom score",
        value: "wisdom_score.avg",
        spark: "wisdom_score.avg",
        out_of: "of 1",
        more: [["wisdom_score.count.24h", "answers in 24 h"]],
      },
      SATISFACTION,
      { title: "LLM calls", value: "llm_requests.rate", spark: "llm_requests.rate", more: [["llm_requests.count.1h", "this hour"]] },
      { title: "LLM errors", value: "llm_requests.error_rate", spark: "llm_requests.error_rate", more: [["llm_requests.errors.24h", "in 24 h"]] },
      { title: "LLM latency p95", value: "llm_duration_ms.p95", spark: "llm_duration_ms.p95", more: [["llm_duration_ms.p50", "p50"]] },
      { title: "Tokens", value: "llm_tokens.sum_rate", spark: "llm_tokens.sum_rate", more: [["llm_tokens.sum.1h", "this hour"]] },
      { ...HIT_RATE, more: [["cache_requests.count.24h", "look-ups in 24 h"]] },
    ],
    charts: [
      { kind: "heat", title: "Topics", of: "events per minute", lines: [{ reading: "topics.count", by: "topic" }] },
      LLM_LATENCY,
      LLM_PACE,
      { kind: "lines", title: "LLM calls by model", of: "calls", lines: [{ reading: "llm_requests.rate", by: "model" }] },
      { kind: "lines", title: "LLM errors by model", of: "share of calls", lines: [{ reading: "llm_requests.error_rate", by: "model" }] },
      { kind: "lines", title: "Tokens", of: "tokens", lines: [{ reading: "llm_tokens.sum_rate", by: "direction" }] },
      { kind: "lines", title: "Wisdom score", of: "of 1, per minute", lines: [{ reading: "wisdom_score.avg", name: "mean" }], range: [0, 1] },
      { kind: "lines", title: "Events by type", of: "events", lines: [{ reading: "events.rate", by: "event_type" }] },
    ],
    tables: [
      {
        title: "Models",
        label: "model",
        head: "Model",
        columns: [
          { title: "24 h", reading: "llm_requests.count.24h" },
          { title: "now", reading: "llm_requests.rate" },
          { title: "p95", reading: "llm_duration_ms.p95" },
          { title: "per token", reading: "llm_time_per_output_token_ms.avg" },
          { title: "errors", reading: "llm_requests.error_rate" },
          { title: "failed in 24 h", reading: "llm_requests.errors.24h" },
        ],
      },
      TOPICS,
      {
        title: "Tokens",
        label: "direction",
        head: "Direction",
        columns: [
          { title: "24 h", reading: "llm_tokens.sum.24h" },
          { title: "now", reading: "llm_tokens.sum_rate" },
        ],
      },
    ],
  },
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
  return { tiles, charts: [...charts, ...others], tables };
}

function fits(line: LineSpec, entry: Entry | undefined): boolean {
  return entry !== undefined && (line.by ? entry.labels.includes(line.by) : entry.total);
}

function ownChart(entry: Entry): ChartSpec {
  const lines: LineSpec[] = entry.total ? [{ reading: entry.name, name: "all" }] : [];
  for (const label of entry.labels) lines.push({ reading: entry.name, by: label });
  return { kind: "lines", title: title(entry.metric, entry.field), lines };
}
