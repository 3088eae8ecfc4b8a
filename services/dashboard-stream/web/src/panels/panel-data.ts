/** The numbers that a panel shows, as rows and columns: the same that are drawn, neither more nor older. Pure. */
import { type ChartLine, linesOf } from "../charts/chart-lines.ts";
import type { Theme } from "../charts/palette.ts";
import type { Board } from "../model/board.ts";
import type { Entry, Units } from "../model/catalogue.ts";
import type { PanelQuestion } from "../model/contracts.ts";
import type { Cell, DataTable } from "../model/data-table.ts";
import { groupsOf, rowsOf } from "../model/insight-panels.ts";
import { labelled, labelText } from "../model/names.ts";
import { type Chart, firstReading, type Panel, readingOf, withSince } from "../model/panels.ts";
import { largest } from "../model/parts.ts";

/** The time that a panel shows: the last `minutes` before `now`. `follows`: it moves on. */
export interface Seen {
  now: number;
  minutes: number;
  follows: boolean;
}

/** What panels are drawn of. */
export interface Drawn extends Seen {
  board: Board;
  units: Units;
  entries: ReadonlyMap<string, Entry>;
  theme: Theme;
}

const MINUTE_MS = 60_000;

/** `null`: the panel shows no numbers. */
export function dataOf(panel: Panel, drawn: Drawn): DataTable | null {
  switch (panel.kind) {
    case "stat": {
      const more = (panel.more ?? []).map((one): [string, PanelQuestion, string] => [withSince(one.text, one.span, drawn.now), one, ""]);
      return numbers([[panel.title, panel.value, panel.unit ?? ""], ...more], drawn);
    }
    case "gauge":
      return numbers([[panel.title, panel.value, panel.unit ?? ""]], drawn);
    case "time_series":
    case "heatmap":
      return overTime(panel, drawn);
    case "bar":
      return byValue(panel.bars, panel.unit, drawn);
    case "pie":
      return byValue(panel.parts, panel.unit, drawn);
    case "table": {
      const columns = panel.columns.map((column) => ({ title: withSince(column.title, column.span, drawn.now), reading: readingOf(column) }));
      const { board, units } = drawn;
      const values = [...new Set(columns.flatMap((column) => board.labelValues(column.reading, panel.by)))];
      const rows = values.map((value): Cell[] => [
        labelText(panel.by, value, board.given(panel.by, value)),
        ...columns.map(({ reading }) => board.value(labelled(reading, panel.by, value))),
      ]);
      rows.sort((a, b) => Number(b[1] ?? -Infinity) - Number(a[1] ?? -Infinity) || String(a[0]).localeCompare(String(b[0])));
      return {
        columns: [text(panel.head), ...columns.map(({ title, reading }) => ({ title, unit: units.of(reading), kind: "number" as const }))],
        rows,
      };
    }
    case "events":
    case "incidents":
      return rowsOf(groupsOf(panel, drawn.board.insights.values(), metricsOf(drawn), drawn.now), drawn.units);
    default:
      return null;
  }
}

/** The metrics of the dashboard. */
export function metricsOf({ entries }: Pick<Drawn, "entries">): Set<string> {
  return new Set([...entries.values()].map((entry) => entry.metric));
}

function text(title: string) {
  return { title, unit: "", kind: "text" as const };
}

/** Single numbers, each in a unit of its own. */
function numbers(asked: [string, PanelQuestion, string][], { board, units }: Drawn): DataTable {
  return {
    columns: [text("Number"), { title: "Value", unit: "", kind: "number" }, text("Unit")],
    rows: asked.map(([title, question, unit]) => [title, board.value(readingOf(question)), unit || units.of(readingOf(question))]),
  };
}

/** A row for each instant at which any line has a point, the newest first. */
function overTime(chart: Chart, { board, units, entries, now, minutes }: Drawn): DataTable {
  const { lines } = linesOf(chart, board, entries, minutes * MINUTE_MS, now);
  const unit = ("unit" in chart && chart.unit) || units.of(firstReading(chart));
  const columns = lines.map((line) => new Map(line.points.x.map((at, i) => [at, line.points.y[i] ?? null])));
  const times = [...new Set(lines.flatMap((line) => line.points.x))].sort((a, b) => b - a);
  return {
    columns: [{ title: "Time", unit: "", kind: "time" }, ...lines.map((line: ChartLine) => ({ title: line.title, unit, kind: "number" as const }))],
    rows: times.map((at) => [at, ...columns.map((column) => column.get(at) ?? null)]),
  };
}

function byValue(question: PanelQuestion, unit: string | undefined, { board, units }: Drawn): DataTable {
  const { parts } = largest(board, question, Infinity);
  return {
    columns: [text(question.by ?? ""), { title: question.field, unit: unit || units.of(readingOf(question)), kind: "number" }],
    rows: parts.map((part) => [part.text, part.number]),
  };
}
