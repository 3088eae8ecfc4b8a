/** A first dashboard for a metric, or for one value of a dimension, such as a service or a model: from there people go on. Pure. */
import { freeId } from "../model/copied-panel.ts";
import type { DashboardDocument, Line } from "../model/contracts.ts";
import { type Metric, named } from "../model/metrics.ts";
import type { Panel } from "../model/panels.ts";
import { nameOf } from "./edits.ts";
import { firstQuestion, hasField, splitsOf, titleOf } from "./questions.ts";

/** What people look at of a metric, the first of it first. */
const FIELDS = ["rate", "value", "avg", "uniques", "p95", "error_rate", "p50", "count", "sum"];
const MOST_FIELDS = 4;
const MOST_SPLITS = 4;

/** Its numbers, its line as a whole and by each dimension, and a table; without panels where there is no such metric. */
export function generated(name: string, metrics: readonly Metric[]): DashboardDocument {
  const metric = named(metrics, name);
  return withIds({ name: nameOf(name), title: metric?.name ?? name, description: metric?.description ?? "", panels: ofMetric(metric) });
}

/** Metrics with the dimension that are looked at first, where there are more than are shown. */
const FIRST = ["requests", "request_duration_ms", "llm_requests", "llm_duration_ms", "llm_tokens", "llm_cost_usd", "span_duration_ms", "events", "cpu_utilization", "memory_usage_bytes"];
const MOST_METRICS = 8;

/** The numbers and lines of every metric that is live by the dimension `label`, of one value of it: a service, a model. */
export function generatedOf(label: string, value: string, metrics: readonly Metric[], called = value): DashboardDocument {
  const place = (metric: Metric) => (FIRST.indexOf(metric.token) + FIRST.length + 1) % (FIRST.length + 1);
  const live = metrics.filter((metric) => metric.enabled && splitsOf(metric).includes(label));
  const shown = live.sort((a, b) => place(a) - place(b) || a.name.localeCompare(b.name)).slice(0, MOST_METRICS);
  const only = { [label]: value.startsWith("$") ? `$${value}` : value };
  const stats: Panel[] = [];
  const charts: Panel[] = [];
  for (const metric of shown) {
    const first = { ...firstQuestion(metric), only };
    const failing = hasField(metric, "error_rate") && metric.token === "requests" ? ["error_rate"] : [];
    for (const field of [first.field, ...failing]) stats.push({ kind: "stat", title: titleOf(metric, field), value: { ...first, field } });
    const beside = metric.published.find((labels) => labels.length === 2 && labels.includes(label))?.find((one) => one !== label);
    charts.push({ kind: "time_series", title: titleOf(metric, first.field) + (beside ? ` by ${beside}` : ""), lines: [{ ...first, name: "all" }, ...(beside ? [{ ...first, by: beside }] : [])] });
  }
  return withIds({ name: nameOf(`${label} ${value}`), title: called, description: `What is counted of the ${label} ${called}.`, panels: [...stats, ...charts] });
}

function ofMetric(metric: Metric | null): Panel[] {
  if (!metric) return [];
  const first = firstQuestion(metric);
  const fields = FIELDS.filter((field) => hasField(metric, field) && field in metric.fields).slice(0, MOST_FIELDS);
  const splits = splitsOf(metric).slice(0, MOST_SPLITS);
  const stats = fields.map((field): Panel => ({ kind: "stat", title: titleOf(metric, field), value: { ...first, field } }));
  const whole: Line[] = [{ ...first, name: "all" }];
  const charts = splits.map((by): Panel => ({ kind: "time_series", title: `${titleOf(metric, first.field)} by ${by}`, lines: [...whole, { ...first, by }] }));
  const table = splits[0] ? [{ kind: "table" as const, title: `By ${splits[0]}`, by: splits[0], head: splits[0], columns: fields.map((field) => ({ ...first, field, title: field.replaceAll("_", " ") })) }] : [];
  return [...stats, { kind: "time_series", title: titleOf(metric, first.field), lines: whole }, ...charts, ...table];
}

function withIds(dashboard: DashboardDocument): DashboardDocument {
  const panels: Panel[] = [];
  for (const panel of dashboard.panels ?? []) panels.push({ ...panel, id: freeId(panels, panel.kind) });
  return { ...dashboard, panels };
}
