/** What a number on the page of metrics is made of, in sentences. Pure. */
import type { AnswerSet } from "./contracts.ts";
import { RATIOS } from "./fields.ts";
import { duration, whole } from "./format.ts";
import { kindInWords, type Metric } from "./metrics.ts";

const MEANINGS: Readonly<Record<string, string>> = {
  count: "how many were observed",
  rate: "how many were observed, per second",
  errors: "how many of them failed",
  error_rate: "errors divided by the count",
  sum: "the sum of what was measured",
  sum_rate: "the sum of what was measured, per second",
  share: "the count of each group divided by the count of all",
  avg: "the sum divided by the count",
  min: "the smallest value",
  max: "the largest value",
  uniques: "how many distinct ones there were, estimated within some 2 %",
  value: "its expression, computed from merged numbers: a ratio of sums, never a mean of ratios",
};

/** What `field` of `metric` means. */
export function meaning(metric: Metric, field: string): string {
  const share = (metric.shares ?? []).find((one) => one.name === field);
  if (share) return `the count where ${share.dimension} is ${share.value}, divided by the count of all`;
  const percentile = /^p([\d.]+)$/.exec(field);
  if (percentile) return `the value below which ${percentile[1]} % of the observations lie, within 1 %`;
  return MEANINGS[field] ?? `a field of the kind ${kindInWords(metric.kind)}`;
}

/** What was read for an answer, and what it leaves out or cannot say exactly. */
export function exactness(metric: Metric, field: string, answer: AnswerSet, now: number): string[] {
  const said = [`Points of ${answer.resolution}, read from ${source(answer.source)}.`];
  said.push(`Everything that was stored until ${duration(Math.max(0, now - answer.as_of))} ago is in it.`);
  const merged = answer.answers[0]?.merged ?? 0;
  if (merged > 0) said.push(`${whole(merged)} smaller groups are drawn together as “other”: merged, not averaged.`);
  if (metric.series !== undefined && metric.series >= metric.max_series) {
    said.push(`Its series are at the limit of ${whole(metric.max_series)}: what is beyond it is counted, as “other”, and cannot be told apart.`);
  }
  if (RATIOS.has(field)) said.push("Where nothing was counted there is no value: the line has a gap.");
  return said;
}

function source(name: string): string {
  const rollup = /^rollup_(.+)$/.exec(name);
  return rollup ? `rollups of ${rollup[1]}` : name;
}
