/** The queries of a panel as questions to what is stored, and their answers as numbers with names. Pure. */
import { isShare, shownUnit } from "./catalogue.ts";
import { conditionsInWords, filtersOf } from "./conditions.ts";
import type { AnswerSeries, QueryPanel, Question, QuestionAnswer, StoredQuery } from "./contracts.ts";
import { labelText, tooltip } from "./names.ts";
import { OVER_TIME } from "./panels.ts";
import type { Part } from "./parts.ts";
import { STEPS_MS, stepsFor } from "./past.ts";

export type Show = NonNullable<QueryPanel["show"]>;

/** Groups that are shown where the query does not say how many: lines of a chart, rows of a list. */
const TOP_LINES = 12;
const TOP_ROWS = 50;
/** Points of a line are not closer than this, unless the panel says so: what is shown moves on every ten seconds. */
const LEAST_STEP = "10s";
/** What is beyond the groups that are shown, or beyond a limit of the metric. */
const OTHER = "other";
/** Where an observation has no such label. */
const WITHOUT = "(none)";
const LONGEST_NAME = 60;

export function questionOf(query: StoredQuery, show: Show): Question {
  const { metric, aggregate, expression, where, group_by: groups = [] } = query;
  const grouped = groups.length ? { group_by: [...groups], top: query.top ?? (OVER_TIME.has(show) ? TOP_LINES : TOP_ROWS) } : {};
  if (expression) return { expression, ...grouped };
  const filters = filtersOf(query);
  return { metric: metric ?? "", aggregate: aggregate ?? "", ...(filters.length ? { filters } : {}), ...(where ? { where } : {}), ...grouped };
}

/** Widths of a point, the finest first: the panel's own, or what fits a range of `ms`. */
export function resolutionsOf(panel: Pick<QueryPanel, "resolution">, ms: number): string[] {
  return panel.resolution ? [panel.resolution] : stepsFor(ms, LEAST_STEP);
}

/** The range widened to whole points, so that panels that ask a moment apart ask for the same. */
export function widened(from: number, to: number, resolution: string | undefined): { from: number; to: number } {
  const step = STEPS_MS[resolution ?? ""] ?? 1_000;
  // Days and weeks begin where the zone says, which is not here to know.
  const whole = Math.min(step, 3_600_000);
  return { from: Math.floor(from / whole) * whole, to: Math.ceil(to / whole) * whole };
}

/** What a query is called: by its name, else by what it asks. */
export function nameOfQuery(query: StoredQuery): string {
  if (query.name) return query.name;
  const asked = query.expression ? query.expression : [`${query.metric ?? ""} ${query.aggregate ?? ""}`, conditionsInWords(query), query.where].filter(Boolean).join(", ");
  const characters = [...asked.trim()];
  return characters.length > LONGEST_NAME ? `${characters.slice(0, LONGEST_NAME - 1).join("")}…` : characters.join("");
}

/** The unit of what came, as it is shown. */
export function unitOfAnswer(query: StoredQuery, answer: Pick<QuestionAnswer, "unit">): string {
  if (query.metric && isShare(query.aggregate ?? "")) return "share";
  return shownUnit(query.metric ?? "", answer.unit);
}

/** Whether the numbers of all queries are drawn on one scale, so that they need one unit; else each is written with its own. */
export function areOnOneScale(show: Show): boolean {
  return show !== "table" && show !== "stat";
}

/** The unit of query `at`. */
export function unitAt({ unit, units }: { unit: string; units?: readonly string[] }, at: number): string {
  return units?.[at] ?? unit;
}

/** One number of an answer: of one group of a query, or of all of it. */
export interface Total {
  /** The place of its query in the panel. */
  query: number;
  series: AnswerSeries;
  labels: Readonly<Record<string, string>>;
  /** The values of its labels in words; empty where it is of all. */
  group: string;
  tooltip: string | undefined;
  /** Whether it is what is beyond the groups that are shown. */
  others: boolean;
}

/** The numbers of the answer to query `at`, in its order. */
export function totalsOf(query: StoredQuery, at: number, answer: QuestionAnswer, names: Readonly<Record<string, string>>): Total[] {
  const labels = query.group_by ?? [];
  return answer.series.map((series) => {
    const others = labels.length > 0 && labels.every((label) => series.labels[label] === OTHER);
    const given = (label: string) => (label === "service" ? names[series.labels[label] ?? ""] : undefined);
    const words = labels.map((label) => {
      const value = series.labels[label];
      return value ? labelText(label, value, given(label)) : WITHOUT;
    });
    return { query: at, series, labels: series.labels, group: others ? OTHER : words.join(" · "), tooltip: tooltip(series.labels["service"], given("service")), others };
  });
}

/** What a number is called among those of all queries. */
export function nameOfTotal(total: Total, queries: readonly StoredQuery[]): string {
  const name = queries.length > 1 || !total.group ? nameOfQuery(queries[total.query] as StoredQuery) : "";
  return [name, total.group].filter(Boolean).join(": ");
}

/** The numbers that are known by size, as parts of a whole have them: what is put together last. */
export function partsOf(totals: readonly Total[], queries: readonly StoredQuery[]): Part[] {
  const known = totals.flatMap((total) => {
    const number = total.series.total;
    const text = nameOfTotal(total, queries);
    return number === null ? [] : [{ value: total.others ? null : `${total.query} ${text}`, text, tooltip: total.tooltip, number }];
  });
  return known.sort((a, b) => Number(a.value === null) - Number(b.value === null) || b.number - a.number || a.text.localeCompare(b.text));
}
