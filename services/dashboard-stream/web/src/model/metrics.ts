/** A tenant's metrics as the gateway lists them: what they are called, which of them are looked for, and how full they are. Pure. */
import { shownUnit } from "./catalogue.ts";
import { LABELS, RATIOS } from "./fields.ts";
import { duration } from "./format.ts";

export type Kind = "counter" | "gauge" | "distribution" | "unique" | "derived";

export interface Share {
  name: string;
  dimension: string;
  value: string;
}

/** The events that a metric is drawn from, as its definition says them. */
export interface EventSource {
  event: string;
  where?: string;
  value?: string;
  unique?: string;
  dimensions?: Record<string, string>;
}

/** One term of a KPI, or the events that a metric is drawn from. */
export interface Part {
  term: string;
  metric?: string;
  /** The expression of that metric, where it is a KPI itself. */
  expression?: string;
  events?: string;
  /** Metrics that may be meant instead of events of such a type. */
  nearest?: string[];
}

/** How far history is filled: back to `until` (epoch ms), from so many `rows` of events. */
export interface Backfill {
  state: string;
  until: number;
  percent: number;
  rows?: number;
}

/** One metric: its definition, and what was seen of it. `series`, `last_seen` and `services` are absent where nothing was. */
export interface Metric {
  name: string;
  token: string;
  kind: Kind;
  unit: string;
  dimensions: string[];
  description: string;
  published: string[][];
  shares?: Share[];
  /** What can be asked, with its unit. */
  fields: Record<string, string>;
  enabled: boolean;
  watched: boolean;
  forecast: boolean;
  max_series: number;
  /** Days for which its values are kept, where that is less than of others. */
  retention_days?: number;
  /** How anomalies are looked for; the page shows it nowhere and keeps it. */
  watch_policy?: unknown;
  origin: string;
  source?: EventSource;
  expression?: string;
  direction?: "up" | "down";
  target?: number;
  warn?: number;
  bad?: number;
  owner?: string;
  version?: number;
  backfill?: Backfill;
  revision: number;
  series?: number;
  last_seen?: number;
  services?: string[];
  /** Only where the metric is asked for by itself. */
  made_of?: Part[];
}

export interface Metrics {
  metrics: Metric[];
  /** Why nothing is known of what was seen. */
  problem?: string;
}

export interface Wanted {
  search: string;
  origin: string;
  kind: string;
  /** The column, with `-` in front where the largest is to be first. */
  sort: string;
}

/** What a list can be sorted by, and how that is called. */
export const SORTS: Readonly<Record<string, string>> = {
  name: "Name",
  unit: "Unit",
  kind: "Kind",
  origin: "Origin",
  "-series": "Series, most first",
  "-seen": "Last seen, newest first",
  services: "Services",
  "-watched": "Watched first",
};

const KEYS: Record<string, (metric: Metric) => string | number> = {
  name: (metric) => metric.name.toLowerCase(),
  unit: (metric) => metric.unit.toLowerCase(),
  kind: (metric) => kindInWords(metric.kind),
  origin: (metric) => originInWords(metric.origin),
  series: (metric) => metric.series ?? -1,
  seen: (metric) => metric.last_seen ?? 0,
  services: (metric) => (metric.services ?? []).join(", ").toLowerCase() || "\uffff",
  watched: (metric) => (metric.enabled ? Number(metric.watched) * 2 + Number(metric.forecast) : -1),
};

/** `metrics` in the order of `sort`; equal ones, and all where there is no such column, by name. */
export function sorted(metrics: readonly Metric[], sort: string): Metric[] {
  const falling = sort.startsWith("-");
  const key = KEYS[falling ? sort.slice(1) : sort] ?? (KEYS.name as (metric: Metric) => string);
  return metrics
    .map((metric) => ({ metric, key: key(metric) }))
    .sort((a, b) => {
      const order = a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
      return (falling ? -order : order) || (a.metric.name < b.metric.name ? -1 : 1);
    })
    .map(({ metric }) => metric);
}

/** People say KPI to what a definition calls derived. */
export function kindInWords(kind: string): string {
  return kind === "derived" ? "KPI" : kind;
}

/** Where a definition comes from, as a filter knows it: all packs are one. */
export function originOf(metric: Metric): string {
  return metric.origin.startsWith("pack:") ? "pack" : metric.origin;
}

const ORIGINS: Record<string, string> = { built_in: "built in", otlp: "OpenTelemetry", tenant: "own" };

/** `built in`, `OpenTelemetry`, `pack wisdom`. */
export function originInWords(origin: string): string {
  return origin.startsWith("pack:") ? `pack ${origin.slice("pack:".length)}` : (ORIGINS[origin] ?? origin);
}

/** Those that are wanted: every word of the search stands in the name, description, unit, a dimension or a service. */
export function matching(metrics: readonly Metric[], wanted: Wanted): Metric[] {
  const words = wanted.search.toLowerCase().split(/\s+/).filter(Boolean);
  return metrics.filter((metric) => {
    if (wanted.origin && originOf(metric) !== wanted.origin) return false;
    if (wanted.kind && metric.kind !== wanted.kind) return false;
    if (!words.length) return true;
    const text = [metric.name, metric.token, metric.description, metric.unit, metric.expression ?? "", metric.owner ?? "", ...metric.dimensions, ...(metric.services ?? [])].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The values among `metrics`, sorted: what a filter can choose. */
export function choices(metrics: readonly Metric[], of: (metric: Metric) => string): string[] {
  return [...new Set(metrics.map(of))].sort();
}

/** The metric of that name or token. */
export function named(metrics: readonly Metric[], name: string): Metric | null {
  return metrics.find((one) => one.name === name) ?? metrics.find((one) => one.token === name) ?? null;
}

const FIRST: Record<Kind, string> = { counter: "rate", gauge: "avg", distribution: "p95", unique: "uniques", derived: "value" };

/** What is drawn of a metric unless another field is chosen: of a counter its rate, of a distribution its 95th percentile. */
export function firstField(metric: Metric): string {
  const first = FIRST[metric.kind];
  return first in metric.fields ? first : (Object.keys(metric.fields)[0] ?? "count");
}

/** Fields that can be drawn by themselves; a share of the whole is of the parts, so it needs a split. */
export function drawable(metric: Metric, by: readonly string[]): string[] {
  return Object.keys(metric.fields).filter((field) => field !== "share" || by.length > 0);
}

/** The field's unit for people: a part of a whole is shown in percent. */
export function fieldUnit(metric: Metric, field: string): string {
  const ratio = RATIOS.has(field) || (metric.shares ?? []).some((share) => share.name === field);
  return ratio ? "share" : shownUnit(metric.token, metric.fields[field] ?? metric.unit);
}

/** Where the field stands alone: beside a metric's name these two need no word of their own. */
const ALONE: Record<string, string> = { sum_rate: "sum per second", uniques: "distinct", value: "value" };

export function fieldInWords(field: string): string {
  return ALONE[field] ?? LABELS[field] ?? field.replaceAll("_", " ");
}

/** From this part of the limit on, somebody should look. */
const NEAR = 0.8;

export interface Cardinality {
  series: number;
  limit: number;
  share: number;
  tone: "" | "warn" | "bad";
  why: string;
}

/** How many series there are of those that may be; `null` where nothing was seen. */
export function cardinality(metric: Metric): Cardinality | null {
  if (metric.series === undefined) return null;
  const { series, max_series: limit } = metric;
  const share = Math.min(1, series / limit);
  if (series >= limit) return { series, limit, share, tone: "bad", why: "At the limit: further series are counted together as “other”." };
  if (share >= NEAR) return { series, limit, share, tone: "warn", why: "Near the limit: beyond it, series are counted together as “other”." };
  return { series, limit, share, tone: "", why: "" };
}

/** `3 min ago`, `just now`, `never`; `computed` of a KPI, which nobody sends; `not known` where analytics did not say what it saw (`known`). */
export function seenInWords(metric: Metric, now: number, known = true): string {
  if (metric.kind === "derived") return "computed";
  if (metric.last_seen === undefined) return known ? "never" : "not known";
  const age = now - metric.last_seen;
  return age < 60_000 ? "just now" : `${duration(age < 3_600_000 ? age - (age % 60_000) : age - (age % 3_600_000))} ago`;
}

/** How many values each dimension had, and what was counted together as `other`. */
export interface Sizes {
  dimensions: { label: string; values: number }[];
  /** Whether some series were beyond the limit. */
  overflow: boolean;
  /** How many observations of them; `null` where the kind counts none. */
  beyond: number | null;
}

/** What to ask of a kind to have its groups. */
export const GROUPED_BY: Readonly<Record<Kind, string>> = { counter: "count", distribution: "count", gauge: "avg", unique: "uniques", derived: "value" };

/** {@link Sizes} of the answers to one question for each dimension, with its largest group alone, and one for `other`. */
export function sizesOf(metric: Metric, answers: readonly { merged?: number; series: readonly { total: number | null }[] }[]): Sizes {
  const beyond = answers[metric.dimensions.length]?.series[0]?.total ?? null;
  const overflow = beyond !== null && (GROUPED_BY[metric.kind] !== "count" || beyond > 0);
  const dimensions = metric.dimensions.map((label, i) => {
    const { merged = 0, series } = answers[i] ?? { series: [] };
    const groups = merged ? merged + 1 : series.length;
    return { label, values: Math.max(0, groups - Number(overflow && groups > 1)) };
  });
  return { dimensions, overflow, beyond: GROUPED_BY[metric.kind] === "count" ? (beyond ?? 0) : null };
}
