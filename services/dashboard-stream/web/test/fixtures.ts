/** A dashboard, an anomaly and a board, as tests of several layers need them. */
import { Board, type InsightEvent } from "../src/model/board.ts";
import type { Dashboard } from "../src/model/catalogue.ts";
import type { Metric } from "../src/model/metrics.ts";

export const DASHBOARD: Dashboard = {
  name: "system_overview",
  title: "t",
  description: "",
  path: "",
  ws: "",
  panels: [],
  series: [
    { name: "requests.rate", metric: "requests", field: "rate", unit: "{request}/s", labels: ["service"], total: true, resolution: "1s" },
    { name: "brand_new.avg", metric: "brand_new", field: "avg", unit: "ms", labels: ["kind"], total: true, resolution: "1s" },
  ],
  values: [{ name: "requests.rate", metric: "requests", field: "rate", unit: "{request}/s", labels: [], total: true }],
};

export function anomaly(fields: Partial<InsightEvent> = {}): InsightEvent {
  return {
    insight_id: "i",
    tenant: "default",
    kind: "anomaly",
    metric: "request_duration_ms",
    field: "p95",
    state: "ready",
    at: 1_000_000,
    model: "m",
    phase: "opened",
    series: "request_duration_ms.p95",
    key: "i",
    severity: "critical",
    ...fields,
  };
}

/** A board of one snapshot with `values`. */
export function board(values: Record<string, number | null>): Board {
  const made = new Board();
  made.take({ type: "snapshot", dashboard: "d", epoch: "e", seq: 0, ts: 0, data: { values, series: {}, events: [] } });
  return made;
}

/** The values about the service when all is well. */
export const GOOD = { freshness_ms: 100, "stream.bus_connected": 1, "stream.history_ready": 1 };

/** A distribution that arrived by OpenTelemetry and was never seen since. */
export function metric(fields: Partial<Metric> = {}): Metric {
  const unit = fields.unit ?? "s";
  return {
    name: "m",
    token: "m",
    kind: "distribution",
    unit,
    dimensions: ["service", "route"],
    description: "",
    published: [[]],
    fields: { count: "{observation}", rate: "{observation}/s", error_rate: "1", share: "1", avg: unit, p50: unit, p95: unit },
    enabled: true,
    watched: false,
    forecast: false,
    max_series: 1000,
    origin: "otlp",
    revision: 1,
    ...fields,
  };
}
