/**
 * A panel that is not stored yet, as it would be drawn: what it asks is asked of what is stored, and put into a frame as the
 * service would send it. Pure.
 */
import type { Dashboard, Entry } from "../model/catalogue.ts";
import type { AnswerSet, Frame, PanelQuestion, Question } from "../model/contracts.ts";
import type { Metric } from "../model/metrics.ts";
import { filtersOf } from "../model/conditions.ts";
import { labelled } from "../model/names.ts";
import { type Panel, questionsOf, readingOf } from "../model/panels.ts";
import { fromTheStart, type Variable } from "../model/variables.ts";
import { hasField } from "./questions.ts";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** What is older is no number of now. */
const NOW_MS = 3 * MINUTE_MS;
/** Further values of a dimension are not shown one by one in a chart. */
const MOST_VALUES = 20;

export interface Asked {
  reading: string;
  by: string | null;
  question: Question;
  /** How far back; a span is one number, else there is a point a minute. */
  ms: number;
  span: boolean;
}

/** Everything that `panel` asks of metrics that are there, each once. */
export function askedBy(panel: Panel, metrics: readonly Metric[], variables: readonly Variable[] = []): Asked[] {
  const asked = new Map<string, Asked>();
  for (const [, question] of questionsOf(panel)) {
    if (!isThere(question, metrics)) continue;
    const { metric, field, by, span } = question;
    const filters = filtersOf(fromTheStart(question, variables));
    const ms = span === "24h" ? 24 * HOUR_MS : HOUR_MS;
    const one = (by: string | null): Asked => ({
      reading: readingOf(question),
      by,
      question: { metric, aggregate: field, ...(filters.length ? { filters } : {}), ...(by ? { group_by: [by], top: MOST_VALUES } : {}) },
      ms,
      span: Boolean(span),
    });
    for (const each of by ? [...(question.total === false || field === "share" ? [] : [null]), by] : [null]) {
      asked.set(`${readingOf(question)} ${each ?? ""}`, one(each));
    }
  }
  return [...asked.values()];
}

function isThere({ metric, field }: PanelQuestion, metrics: readonly Metric[]): boolean {
  const known = metrics.find((one) => one.token === metric);
  return known !== undefined && hasField(known, field);
}

/** What would be said of the panel: the units and names of its numbers. */
export function describedAs(panel: Panel, metrics: readonly Metric[]): Dashboard {
  const entries = new Map<string, Entry>();
  for (const [, question] of questionsOf(panel)) {
    if (!isThere(question, metrics)) continue;
    const name = readingOf(question);
    const labels = [...(entries.get(name)?.labels ?? []), ...(question.by ? [question.by] : [])];
    entries.set(name, entryOf(name, question, labels, metrics.find((one) => one.token === question.metric) as Metric));
  }
  const all = [...entries.values()];
  return { name: "preview", title: panel.title, description: "", path: "", ws: "", panels: [panel], series: all.filter((entry) => !entry.span), values: all };
}

function entryOf(name: string, question: PanelQuestion, labels: string[], metric: Metric): Entry {
  const { field, span, over_s } = question;
  const filters = filtersOf(question);
  return {
    name,
    metric: metric.token,
    field,
    unit: metric.fields[field] ?? metric.unit,
    labels,
    total: true,
    kind: metric.kind,
    ...(metric.origin === "built_in" ? {} : { title: metric.name }),
    ...(metric.shares?.some((share) => share.name === field) ? { ratio: true } : {}),
    ...(metric.kind === "derived" ? limitsOf(metric) : {}),
    ...(filters.length ? { filters } : {}),
    ...(span ? { span } : { resolution: "1m", window_s: Math.max(60, over_s ?? 10) }),
  };
}

function limitsOf({ direction, target, warn, bad }: Metric): Partial<Entry> {
  return { direction, target, warn, bad };
}

/** The frame that the answers make; `answers` are those of `asked`, in its order. */
export function frameOf(asked: readonly Asked[], answers: readonly (AnswerSet["answers"][number] | undefined)[], names: Record<string, string>, now: number): Frame {
  const values: Record<string, number | null> = { freshness_ms: 0 };
  const series: Record<string, [number, number | null][]> = {};
  asked.forEach(({ reading, by, span }, i) => {
    for (const { labels, points, total } of answers[i]?.series ?? []) {
      const value = by ? labels[by] : undefined;
      if (by && value === undefined) continue;
      const name = by && value !== undefined ? labelled(reading, by, value) : reading;
      const recent = points.filter(([at, number]) => number !== null && at > now - NOW_MS);
      // The running minute counts less than a whole one.
      const newest = recent.findLast(([at]) => at + MINUTE_MS <= now) ?? recent.at(-1);
      values[name] = span ? total : (newest?.[1] ?? null);
      if (!span) series[name] = points as [number, number | null][];
    }
  });
  return { type: "snapshot", dashboard: "preview", epoch: String(now), seq: 0, ts: now, data: { values, series, events: [], service_names: names } };
}
