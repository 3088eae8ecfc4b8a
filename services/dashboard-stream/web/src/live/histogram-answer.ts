/** Asks how the values of a metric are spread. */
import { filtersOf } from "../model/conditions.ts";
import type { HistogramPanel, Question } from "../model/contracts.ts";
import { type Histogram as Spread, histogramOf } from "../model/histogram.ts";
import { stepsFor } from "../model/past.ts";
import { fetchAnswers } from "./analytics.ts";

/** Ranges of values: of bars, and rows of a heat map, which are read. */
const BARS = 32;
const ROWS = 14;
/** Columns of a heat map are not narrower. */
const LEAST_STEP = "10s";
/** Rows by columns are at most what an answer holds. */
const MOST_COLUMNS = 120;

export interface SpreadAnswer {
  spread: Spread | null;
  unit: string;
  from: number;
  to: number;
  at: number;
}

export async function askedOf({ values, style }: HistogramPanel, from: number, to: number, signal: AbortSignal): Promise<SpreadAnswer> {
  const filters = filtersOf(values);
  const one = (aggregate: string, more: Partial<Question> = {}): Question => ({ metric: values.metric, aggregate, ...(filters.length ? { filters } : {}), ...more });
  // As few points as there can be distinct columns; bars are of all of them together.
  const resolutions = stepsFor((to - from) * (240 / MOST_COLUMNS), LEAST_STEP);
  const { answers } = await fetchAnswers({ questions: [one("p50", { bins: style === "heatmap" ? ROWS : BARS }), one("p95")], from, to, resolutions }, signal);
  return { spread: histogramOf(answers[0], answers[1]), unit: answers[0]?.unit ?? "", from, to, at: to };
}
