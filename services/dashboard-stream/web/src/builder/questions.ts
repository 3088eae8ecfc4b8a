/** What panels can ask of the metrics that there are, and what is asked wrongly. Pure. */
import { asFields, conditionsOf } from "../model/conditions.ts";
import type { PanelQuestion, Table } from "../model/contracts.ts";
import type { Fault } from "../model/definition.ts";
import { fieldInWords, firstField, kindInWords, type Metric, named } from "../model/metrics.ts";
import { type Panel, questionsOf } from "../model/panels.ts";

/** What the picker calls the kinds of panels that the form knows. */
export const KINDS: Readonly<Record<string, string>> = {
  stat: "Number",
  time_series: "Time series",
  heatmap: "Heatmap",
  table: "Table",
  gauge: "Gauge",
  bar: "Bar chart",
  pie: "Pie chart",
  text: "Text",
  events: "Events: anomalies",
  incidents: "Incidents",
  forecast_scores: "Forecast accuracy",
  traces: "Traces",
  errors: "Errors",
  service_map: "Service map",
  histogram: "Histogram",
  query: "Query: any expression",
  funnel: "Funnel: users step by step",
  retention: "Retention: users who come back",
  journeys: "Journeys: paths of users",
};

/** Kinds that are of the values of a dimension. */
const SPLIT: ReadonlySet<string> = new Set(["heatmap", "table", "bar", "pie"]);

/** Of one second these say little: a quotient of few, and the distinct of a moment. */
const OF_MINUTES: ReadonlySet<string> = new Set(["derived", "unique"]);

/** The metric whose token it is, exactly; a name finds it too where nothing is called so. */
export function metricOf(metrics: readonly Metric[], token: string): Metric | null {
  return metrics.find((one) => one.token === token) ?? named(metrics, token);
}

/** The dimensions by which a metric is in the frames: a panel can be split by one of them. */
export function splitsOf(metric: Metric | null): string[] {
  return (metric?.published ?? []).flatMap((labels) => (labels.length === 1 ? labels : []));
}

export function fieldsOf(metric: Metric | null): string[] {
  return Object.keys(metric?.fields ?? {});
}

/** Whether frames have the metric by all of `labels` together. */
export function isLiveBy(metric: Metric, labels: readonly string[]): boolean {
  const wanted = new Set(labels);
  return metric.published.some((one) => one.length === wanted.size && one.every((label) => wanted.has(label)));
}

/** The dimensions by which what the question is of can be split live. */
export function splitsWith(metric: Metric | null, question: PanelQuestion): string[] {
  const conditions = conditionsOf(question).map(({ label }) => label);
  return metric?.dimensions.filter((label) => isLiveBy(metric, [label, ...conditions])) ?? [];
}

/** A field by which the values of the dimension can be asked; empty where there is none. */
export function countedBy(metric: Metric | null, label: string): string {
  return metric?.dimensions.includes(label) ? (fieldsOf(metric)[0] ?? "") : "";
}

/** Whether the metric has the field: of a distribution also any percentile. */
export function hasField(metric: Metric, field: string): boolean {
  return field in metric.fields || (metric.kind === "distribution" && /^p\d{1,2}(\.\d{1,3})?$/.test(field));
}

/** A first question about a metric: what people look at first. */
export function firstQuestion(metric: Metric): PanelQuestion {
  return { metric: metric.token, field: firstField(metric), ...(OF_MINUTES.has(metric.kind) ? { resolution: "1m" as const } : {}) };
}

/**
 * Whether another metric is asked for the same field. Of a distribution the rate says how many there were, which nobody means who comes
 * from a counter, whose first field it is.
 */
function isKept(question: PanelQuestion, metric: Metric, metrics: readonly Metric[]): boolean {
  if (metric.kind === "distribution" && question.field === "rate" && metricOf(metrics, question.metric)?.kind !== "distribution") return false;
  return hasField(metric, question.field);
}

/** The same question of another metric: what that does not have is asked as from the start. */
export function ofMetric<Q extends PanelQuestion>(question: Q, token: string, metrics: readonly Metric[]): Q {
  const metric = metricOf(metrics, token);
  if (!metric) return { ...question, metric: token };
  const { field, resolution } = firstQuestion(metric);
  const by = question.by && splitsOf(metric).includes(question.by) ? question.by : undefined;
  const conditions = question.only || question.without ? asFields(conditionsOf(question).filter(({ label }) => metric.dimensions.includes(label))) : {};
  return { ...question, metric: metric.token, field: isKept(question, metric, metrics) ? question.field : field, by, ...conditions, resolution: resolution ?? question.resolution };
}

/** A panel to begin with; of the metric that most people have, where there are several. */
export function newPanel(kind: string, metrics: readonly Metric[]): Panel {
  const counted = metrics.filter((one) => one.enabled);
  const splits = counted.filter((one) => splitsOf(one).length > 0);
  const of = (list: readonly Metric[]) => list.find((one) => one.token === "requests") ?? list[0] ?? null;
  const metric = of(SPLIT.has(kind) ? splits : counted);
  const question: PanelQuestion = metric ? firstQuestion(metric) : { metric: "", field: "" };
  const title = metric ? titleOf(metric, question.field) : (KINDS[kind] ?? kind);
  const by = splitsOf(metric)[0] ?? "";
  if (kind === "time_series") return { kind, title, lines: [{ ...question, name: "all" }] };
  if (kind === "heatmap") return { kind, title: `${title} by ${by}`, rows: { ...question, by } };
  if (kind === "table") return { kind, title: `By ${by}`, by, head: by || "Value", columns: [{ ...question, title: fieldInWords(question.field) }] };
  if (kind === "gauge") return { kind, title, value: question };
  if (kind === "bar") return { kind, title: `${title} by ${by}`, bars: { ...question, by } };
  // Shares are of what adds up.
  if (kind === "pie") return { kind, title: `${metric?.name ?? ""} by ${by}`.trim(), parts: { ...question, field: metric && hasField(metric, "count") ? "count" : question.field, by } };
  if (kind === "text") return { kind, title: "Notes", text: "" };
  if (kind === "events") return { kind, title: "Anomalies", all_metrics: true };
  if (kind === "incidents") return { kind, title: "Incidents", all_metrics: true };
  if (kind === "forecast_scores") return { kind, title: "Forecast accuracy", all_metrics: true };
  if (kind === "traces") return { kind, title: "Newest traces" };
  if (kind === "errors") return { kind, title: "Open errors" };
  if (kind === "service_map") return { kind, title: "Service map" };
  if (kind === "funnel") return { kind, title: "Funnel", steps: [{ event_type: "" }, { event_type: "" }] };
  if (kind === "retention") return { kind, title: "Retention" };
  if (kind === "journeys") return { kind, title: "Journeys" };
  if (kind === "query") {
    const { token = "", field = "" } = metric ? { token: metric.token, field: question.field } : {};
    return { kind, title: "Query", queries: [{ expression: token ? `${field}(${token})` : "" }] };
  }
  if (kind === "histogram") {
    const spread = counted.find((one) => one.token === "request_duration_ms") ?? counted.find((one) => one.kind === "distribution");
    return { kind, title: spread ? `Spread of ${spread.name}` : "Histogram", values: { metric: spread?.token ?? "" } };
  }
  return { kind: "stat", title, value: question };
}

/** What a panel is called of what it asks, where nobody named it; `null` where that says nothing. */
function titleByQuestion(kind: string, metric: Metric, field: string, by: string): string | null {
  if (kind === "time_series" || kind === "stat" || kind === "gauge") return titleOf(metric, field);
  if (kind === "heatmap" || kind === "bar") return `${titleOf(metric, field)} by ${by}`;
  return kind === "pie" ? `${metric.name} by ${by}` : null;
}

/** `after` under the title of what it asks now, as long as `before` was called by what it asked: a title that somebody wrote stays. */
export function retitled(before: Panel, after: Panel, metrics: readonly Metric[]): Panel {
  const question = questionsOf(after)[0]?.[1];
  const metric = question && metrics.find((one) => one.token === question.metric);
  if (!metric || after.kind !== before.kind || after.title !== before.title) return after;
  const title = titleByQuestion(after.kind, metric, question.field, question.by ?? "");
  // Of any metric: while a name is typed, the one before has none.
  const byQuestion = (one: Metric) => fieldsOf(one).some((field) => ["", ...one.dimensions].some((by) => titleByQuestion(before.kind, one, field, by) === before.title));
  return title && metrics.some(byQuestion) ? { ...after, title } : after;
}

export function titleOf(metric: Metric, field: string): string {
  const words = fieldInWords(field);
  return `${metric.name} ${words === "value" ? "" : words}`.trim();
}

/**
 * What of a panel would not be drawn: the service takes questions about what is not there yet, and leaves them out. Of a metric
 * that is not known nothing else is said.
 */
export function unanswered(panel: Panel, metrics: readonly Metric[]): Fault[] {
  const faults: Fault[] = [];
  for (const [place, question] of questionsOf(panel)) {
    const metric = metrics.find((one) => one.token === question.metric);
    if (!metric) {
      const near = named(metrics, question.metric);
      faults.push({ field: `${place}.metric`, error: near ? `is the name of ${near.token}: choose that` : question.metric ? "there is no such metric" : "choose a metric" });
      continue;
    }
    if (!hasField(metric, question.field)) {
      faults.push({ field: `${place}.field`, error: `a ${kindInWords(metric.kind)} has no such field; it has ${fieldsOf(metric).join(", ")}` });
    }
    const conditions = conditionsOf(question).map(({ label }) => label);
    if (!isLiveBy(metric, [...(question.by ? [question.by] : []), ...conditions])) {
      const splits = splitsOf(metric);
      const has = splits.length ? `it is live by ${splits.join(", ")}` : "it is live as a whole alone";
      const together = conditions.length ? [...new Set([...(question.by ? [question.by] : []), ...conditions])].join(" and ") : question.by;
      const at = question.by ? (panel.kind === "table" ? "by" : `${place}.by`) : `${place}.${conditionsOf(question)[0]?.excluded ? "without" : "only"}`;
      faults.push({ field: at, error: `${metric.name} is not live by ${together}: ${has}${conditions.length ? ". Past ranges have it" : ""}` });
    }
    for (const { label, excluded } of conditionsOf(question)) {
      if (metric.dimensions.includes(label)) continue;
      const has = metric.dimensions.length ? `it has ${metric.dimensions.join(", ")}` : "it has none";
      faults.push({ field: `${place}.${excluded ? "without" : "only"}.${label}`, error: `${metric.name} has no dimension ${label}: ${has}` });
    }
  }
  return faults;
}

/** The dimensions that all columns of a table have, else those of any. */
export function tableSplits(table: Table, metrics: readonly Metric[]): string[] {
  const sets = table.columns.map((column) => splitsOf(metricOf(metrics, column.metric)));
  const shared = (sets[0] ?? []).filter((label) => sets.every((set) => set.includes(label)));
  return shared.length ? shared : [...new Set(sets.flat())];
}
