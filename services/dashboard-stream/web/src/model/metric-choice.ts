/** What the page of metrics shows, as its address says it: so that it can be sent to others, and gone back to. Pure. */
import { drawable, firstField, type Metric, type Wanted } from "./metrics.ts";

export interface Range {
  name: string;
  title: string;
  ms: number;
  /** Widths of a point, the finest first: a coarser one is asked for where the finer holds too much. */
  resolutions: string[];
  /** How often it is asked for again. */
  every_ms: number;
}

const HOUR_MS = 3_600_000;

export const RANGES: Range[] = [
  { name: "1h", title: "1 h", ms: HOUR_MS, resolutions: ["1m"], every_ms: 15_000 },
  { name: "6h", title: "6 h", ms: 6 * HOUR_MS, resolutions: ["1m", "1h"], every_ms: 30_000 },
  { name: "24h", title: "24 h", ms: 24 * HOUR_MS, resolutions: ["1m", "1h"], every_ms: 60_000 },
  { name: "7d", title: "7 d", ms: 168 * HOUR_MS, resolutions: ["1h"], every_ms: 120_000 },
];

const FIRST_RANGE = RANGES[0] as Range;

/** `metric`: its name, empty where none is chosen. `field` and `split` are empty where they are as from the start. */
export interface Choice extends Wanted {
  metric: string;
  field: string;
  split: string;
  range: Range;
}

/** Of the query of an address; what it does not say, or says wrongly, is as from the start. */
export function choiceOf(query: string): Choice {
  const given = new URLSearchParams(query);
  const text = (name: string) => given.get(name) ?? "";
  return {
    metric: text("metric"),
    field: text("field"),
    split: text("by"),
    range: RANGES.find((range) => range.name === text("range")) ?? FIRST_RANGE,
    search: text("q"),
    origin: text("origin"),
    kind: text("kind"),
  };
}

/** The query of the address that shows `choice`, with its `?`; empty where nothing is chosen. */
export function queryOf(choice: Choice): string {
  const said = new URLSearchParams();
  const say = (name: string, value: string) => value && said.set(name, value);
  say("metric", choice.metric);
  say("field", choice.field);
  say("by", choice.split);
  say("range", choice.range === FIRST_RANGE ? "" : choice.range.name);
  say("q", choice.search);
  say("origin", choice.origin);
  say("kind", choice.kind);
  const text = said.toString();
  return text && `?${text}`;
}

/** What is drawn of `metric`: what was chosen as far as the metric has it, else what its kind makes the first choice. */
export function drawnOf(metric: Metric, choice: Choice): { field: string; split: string } {
  const split = metric.dimensions.includes(choice.split) ? choice.split : "";
  const percentile = metric.kind === "distribution" && /^p\d{1,2}(\.\d{1,3})?$/.test(choice.field);
  const field = percentile || drawable(metric, split).includes(choice.field) ? choice.field : firstField(metric);
  return { field, split };
}
