/** The answer to a question as the lines of a chart. Pure. */
import type { Entry } from "../model/catalogue.ts";
import type { QueryAnswer } from "../model/contracts.ts";
import { labelText, labelled, tooltip } from "../model/names.ts";
import { type ChartLine, type ChartLines, MOST_LINES, weight } from "./chart-lines.ts";
import { drawn, SAFE_COLOURS, slots } from "./lines.ts";

/** Where an observation had no such label. */
const WITHOUT = "(none)";

/**
 * Of `answer` about `field` the {@link MOST_LINES} largest lines, or the one of the whole where it is not `split`. Times are
 * windows' starts; `from` and `now` bound what is shown. `last` of a line is its value over all of that time.
 */
export function linesOfAnswer(answer: QueryAnswer, field: string, unit: string, split: string, from: number, now: number): ChartLines {
  const reading = `${answer.metric}.${field}`;
  const entry: Entry = { name: reading, metric: answer.metric, field, unit, labels: split ? [split] : [], total: !split, resolution: answer.resolution };
  const colours = slots(answer.series.map((one) => one.labels[split] ?? ""));
  const lines = answer.series.map((one): ChartLine => {
    const value = split ? one.labels[split] : undefined;
    const given = split === "service" && value !== undefined ? answer.service_names?.[value] : undefined;
    const slot = split ? (colours.get(value ?? "") ?? 0) : 0;
    const points = { t: one.points.map(([at]) => at), v: one.points.map(([, number]) => number) };
    return {
      series: split ? labelled(reading, split, value ?? "") : reading,
      title: split ? (value ? labelText(split, value, given) : WITHOUT) : "all",
      tooltip: tooltip(value, given),
      entry,
      last: one.total,
      slot,
      dashed: slot >= SAFE_COLOURS,
      points: drawn(points, entry, from, now),
    };
  });
  const seen = lines.filter((line) => line.points.x.length).sort((a, b) => weight(b) - weight(a));
  const shown = seen.slice(0, MOST_LINES).sort((a, b) => a.title.localeCompare(b.title));
  return { lines: shown, more: seen.length - shown.length, from, now };
}
