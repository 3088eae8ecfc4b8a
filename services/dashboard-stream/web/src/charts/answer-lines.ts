/** The answer to a question as the lines of a chart. Pure. */
import type { Entry } from "../model/catalogue.ts";
import type { AnswerSet } from "../model/contracts.ts";
import { labelledBy, labelText, tooltip } from "../model/names.ts";
import { type ChartLine, type ChartLines, weight } from "./chart-lines.ts";
import { drawn, SAFE_COLOURS, slots } from "./lines.ts";

/** Where an observation had no such label. */
const WITHOUT = "(none)";
/** What is beyond a limit, of the metric or of the question, together. */
const OTHER = "other";

/** What was asked: one field of a metric (by its token; empty: of an expression), split `by` labels. */
export interface AskedFor {
  metric: string;
  field: string;
  unit: string;
  by: readonly string[];
  /** Values of dimensions that all of it has. */
  where?: Readonly<Record<string, string>>;
}

/**
 * The lines of the first answer in `answers`, or the one of the whole where it is not split. Times are windows' starts; `from`
 * and `now` bound what is shown. `last` of a line is its value over all of that time.
 */
export function linesOfAnswer(answers: AnswerSet, asked: AskedFor, from: number, now: number): ChartLines {
  const reading = `${asked.metric}.${asked.field}`;
  const entry: Entry = {
    name: reading,
    metric: asked.metric,
    field: asked.field,
    unit: asked.unit,
    labels: [...asked.by],
    total: !asked.by.length,
    resolution: answers.resolution,
  };
  const series = answers.answers[0]?.series ?? [];
  const keys = series.map((one) => asked.by.map((label) => one.labels[label] ?? "").join("\n"));
  const colours = slots(keys);
  const lines = series.map((one, i): ChartLine => {
    const others = asked.by.length > 0 && asked.by.every((label) => one.labels[label] === OTHER);
    const slot = others ? -1 : asked.by.length ? (colours.get(keys[i] as string) ?? 0) : 0;
    const points = { t: one.points.map(([at]) => at), v: one.points.map(([, number]) => number) };
    const given = (label: string) => (label === "service" ? answers.service_names?.[one.labels[label] ?? ""] : undefined);
    const words = asked.by.map((label) => {
      const value = one.labels[label];
      return value ? labelText(label, value, given(label)) : WITHOUT;
    });
    return {
      series: labelledBy(reading, { ...asked.where, ...(asked.by.length ? one.labels : {}) }),
      title: others ? OTHER : words.join(" · ") || Object.entries(asked.where ?? {}).map(([label, value]) => labelText(label, value, label === "service" ? answers.service_names?.[value] : undefined)).join(" · ") || "all",
      tooltip: others ? "the groups that are not drawn by themselves, together" : tooltip(one.labels.service, given("service")),
      entry,
      last: one.total,
      slot,
      dashed: slot >= SAFE_COLOURS,
      points: drawn(points, entry, from, now),
    };
  });
  const seen = lines.filter((line) => line.points.x.length).sort((a, b) => weight(b) - weight(a));
  const shown = [...seen].sort((a, b) => Number(a.slot < 0) - Number(b.slot < 0) || a.title.localeCompare(b.title));
  return { lines: shown, more: 0, from, now };
}
