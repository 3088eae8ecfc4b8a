/** What the page of metrics shows, as its address says it: so that it can be sent to others, and gone back to. Pure. */
import { singleValues } from "./conditions.ts";
import type { PanelQuestion } from "./contracts.ts";
import { drawable, firstField, type Metric, type Wanted } from "./metrics.ts";

export const METRICS_PATH = "/api/dashboard/metrics";

export interface Range {
  name: string;
  title: string;
  ms: number;
  /** Widths of a point, the finest first: a coarser one is asked for where the finer holds too much. */
  resolutions: string[];
  /** How often it is asked for again. */
  every_ms: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const RANGES: Range[] = [
  { name: "1h", title: "1 h", ms: HOUR_MS, resolutions: ["1m"], every_ms: 15_000 },
  { name: "6h", title: "6 h", ms: 6 * HOUR_MS, resolutions: ["1m", "5m"], every_ms: 30_000 },
  { name: "24h", title: "24 h", ms: 24 * HOUR_MS, resolutions: ["5m", "15m", "1h"], every_ms: 60_000 },
  { name: "7d", title: "7 d", ms: 168 * HOUR_MS, resolutions: ["1h", "6h"], every_ms: 120_000 },
  { name: "30d", title: "30 d", ms: 720 * HOUR_MS, resolutions: ["3h", "12h", "1d"], every_ms: 300_000 },
];

const FIRST_RANGE = RANGES[0] as Range;

/** Widths that a reader can choose, in ms. */
export const STEPS_MS: Readonly<Record<string, number>> = {
  "1s": 1_000,
  "10s": 10_000,
  "1m": MINUTE_MS,
  "5m": 5 * MINUTE_MS,
  "15m": 15 * MINUTE_MS,
  "1h": HOUR_MS,
  "6h": 6 * HOUR_MS,
  "1d": 24 * HOUR_MS,
};

/** More points than this cannot be distinguished, and a question for them is slow. */
const MOST_POINTS = 2_000;

/** The widths that make sense over `range`. */
export function stepsOf(range: Range): string[] {
  return Object.keys(STEPS_MS).filter((step) => {
    const points = range.ms / (STEPS_MS[step] as number);
    return points >= 4 && points <= MOST_POINTS;
  });
}

/** How many groups are drawn by themselves; the rest together. */
export const TOPS = [3, 5, 8, 12];
const FIRST_TOP = 8;
export const MOST_SPLITS = 3;
const MOST_CONDITIONS = 8;

/** A dimension with the one value of it that is shown. */
export interface Condition {
  label: string;
  value: string;
}

/** `service:web`, as addresses say it; the value may hold anything. */
function conditionOf(text: string): Condition[] {
  const at = text.indexOf(":");
  return at > 0 && at < text.length - 1 ? [{ label: text.slice(0, at), value: text.slice(at + 1) }] : [];
}

/** What is being edited: nothing, the metric that is shown, or a new one. */
export type Edit = "" | "change" | "kpi" | "events";
const EDITS: ReadonlySet<string> = new Set(["change", "kpi", "events"]);

/** `metric`: its name, empty where none is chosen. `field` is empty where it is as from the start, and so is `resolution`. */
export interface Choice extends Wanted {
  metric: string;
  field: string;
  by: string[];
  /** Only series with these values of dimensions. */
  where: Condition[];
  top: number;
  range: Range;
  resolution: string;
  edit: Edit;
}

/** Of the query of an address; what it does not say, or says wrongly, is as from the start. */
export function choiceOf(query: string): Choice {
  const given = new URLSearchParams(query);
  const text = (name: string) => given.get(name) ?? "";
  const range = RANGES.find((one) => one.name === text("range")) ?? FIRST_RANGE;
  const edit = text("edit");
  return {
    metric: text("metric"),
    field: text("field"),
    by: [...new Set(given.getAll("by").filter(Boolean))].slice(0, MOST_SPLITS),
    where: given.getAll("where").flatMap(conditionOf).slice(0, MOST_CONDITIONS),
    top: TOPS.find((one) => String(one) === text("top")) ?? FIRST_TOP,
    range,
    resolution: stepsOf(range).find((one) => one === text("step")) ?? "",
    edit: EDITS.has(edit) ? (edit as Edit) : "",
    search: text("q"),
    origin: text("origin"),
    kind: text("kind"),
    sort: text("sort") || "name",
  };
}

/** The query of the address that shows `choice`, with its `?`; empty where nothing is chosen. */
export function queryOf(choice: Choice): string {
  const said = new URLSearchParams();
  const say = (name: string, value: string) => value && said.set(name, value);
  say("metric", choice.metric);
  say("field", choice.field);
  for (const one of choice.by) said.append("by", one);
  for (const one of choice.where) said.append("where", `${one.label}:${one.value}`);
  say("top", choice.top === FIRST_TOP ? "" : String(choice.top));
  say("range", choice.range === FIRST_RANGE ? "" : choice.range.name);
  say("step", stepsOf(choice.range).includes(choice.resolution) ? choice.resolution : "");
  say("edit", choice.edit);
  say("q", choice.search);
  say("origin", choice.origin);
  say("kind", choice.kind);
  say("sort", choice.sort === "name" ? "" : choice.sort);
  const text = said.toString();
  return text && `?${text}`;
}

/** What a number on a dashboard or in an insight is of. */
export interface Subject {
  metric: string;
  field?: string;
  by?: string | string[] | null;
  labels?: Readonly<Record<string, string>> | null;
  /** Of a question: the page is of those of which it is of a single value. */
  only?: PanelQuestion["only"];
}

/** The address of the page of the metric that `subject` is a number of: the same field, split and labels. */
export function metricLink({ metric, field, by, labels, only }: Subject): string {
  const where = Object.entries({ ...singleValues({ only }), ...labels }).map(([label, value]) => ({ label, value }));
  return METRICS_PATH + queryOf({ ...choiceOf(""), metric, field: field ?? "", by: by ? [by].flat() : [], where });
}

/** What is drawn of `metric`: what was chosen as far as the metric has it, else what its kind makes the first choice. */
export function drawnOf(metric: Metric, choice: Choice): { field: string; by: string[]; where: Condition[] } {
  const by = choice.by.filter((one) => metric.dimensions.includes(one));
  const where = choice.where.filter((one) => metric.dimensions.includes(one.label));
  const percentile = metric.kind === "distribution" && /^p\d{1,2}(\.\d{1,3})?$/.test(choice.field);
  const field = percentile || drawable(metric, by).includes(choice.field) ? choice.field : firstField(metric);
  return { field, by, where };
}
