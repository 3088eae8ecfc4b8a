/** A first dashboard for a metric: from there people go on. Pure. */
import type { DashboardDocument, Line } from "../model/contracts.ts";
import { type Metric, named } from "../model/metrics.ts";
import type { Panel } from "../model/panels.ts";
import { freeId, nameOf } from "./edits.ts";
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
