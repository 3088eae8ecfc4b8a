/** Tiles, charts and tables that stand on more than one dashboard. */
import type { ChartSpec, TableSpec, TileSpec } from "../model/layout.ts";

export const SATISFACTION: TileSpec = {
  title: "Satisfaction",
  value: "satisfaction.avg",
  spark: "satisfaction.avg",
  out_of: "of 5",
  more: [["satisfaction.count.24h", "answers in 24 h"]],
};
export const HIT_RATE: TileSpec = { title: "Cache hits", value: "cache_requests.hit_rate", spark: "cache_requests.hit_rate" };
export const TOPICS: TableSpec = {
  title: "Topics",
  label: "topic",
  head: "Topic",
  columns: [
    { title: "24 h", reading: "topics.count.24h" },
    { title: "this hour", reading: "topics.count.1h" },
  ],
};

export const LLM_LATENCY: ChartSpec = {
  kind: "lines",
  title: "LLM latency by model",
  of: "p95 of a call",
  lines: [{ reading: "llm_duration_ms.p95", name: "all" }, { reading: "llm_duration_ms.p95", by: "model" }],
};

export const LLM_PACE: ChartSpec = {
  kind: "lines",
  title: "LLM time per output token",
  of: "mean of the calls",
  lines: [{ reading: "llm_time_per_output_token_ms.avg", name: "all" }, { reading: "llm_time_per_output_token_ms.avg", by: "model" }],
};
