import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChartLine } from "../../src/charts/chart-lines.ts";
import { heatFigure, lineFigure } from "../../src/charts/figure.ts";
import type { Palette } from "../../src/charts/palette.ts";

const MINUTE = 60_000;
const NOW = 30_000_000 * MINUTE;
const FROM = NOW - 5 * MINUTE;
const COLOURS: Palette = {
  surface: "#ffffff", raised: "#ffffff", line: "#dddddd", text: "#000000", muted: "#666666", good: "#1b7f5c", warn: "#aa6600", bad: "#bb3333",
  series: ["#0b7a6b"], ramp: ["#ffffff", "#3a9d8f", "#064e45"],
};

function line(title: string, y: (number | null)[]): ChartLine {
  const entry = { name: "topics.count", metric: "topics", field: "count", unit: "1", labels: ["topic"], total: false };
  return { series: title, title, tooltip: undefined, entry, last: y.at(-1) ?? null, slot: 0, dashed: false, points: { x: y.map((_, i) => FROM + i * MINUTE), y } };
}

function ticksOf(width: number, to: number): number[] {
  const chart = { lines: [line("a", [1, 2, 3])], more: 0, from: to - 5 * MINUTE, now: to };
  const { layout } = lineFigure(chart, { incidents: [], forecast: null, ahead: null }, "1", undefined, COLOURS, { width, height: 200 });
  return (layout.xaxis as { tickvals: number[] }).tickvals;
}

test("a mark of the axis of time whose words would reach beyond the drawing is left out", () => {
  assert.equal(ticksOf(700, NOW).at(-1), NOW - MINUTE, "the minute at the right edge has no room");
  assert.equal(ticksOf(700, NOW + MINUTE / 2).at(-1), NOW, "half a minute further left it has");
});

test("Plotly is left nothing to measure or to watch", () => {
  const chart = { lines: [line("a", [1, 2, 3])], more: 0, from: FROM, now: NOW };
  const size = { width: 400, height: 200 };
  for (const { layout } of [lineFigure(chart, { incidents: [], forecast: null, ahead: null }, "1", undefined, COLOURS, size), heatFigure(chart, COLOURS, size)]) {
    assert.equal(layout.hovermode, false);
    for (const axis of [layout.xaxis, layout.yaxis]) assert.deepEqual([axis?.ticklabeloverflow, axis?.tickangle], ["allow", 0]);
  }
});

test("where a heat map is pointed at, what there was of each row is said", () => {
  const { pointed } = heatFigure({ lines: [line("karma", [1, 0, 3]), line("dharma", [4, null, 2])], more: 0, from: FROM, now: NOW }, COLOURS, { width: 400, height: 200 });
  const said = Object.fromEntries((pointed?.lines ?? []).map(({ title, y, say }) => [title, y.map((value) => (value === null ? null : say(value)))]));
  assert.deepEqual(said, { karma: ["1", null, "3"], dharma: ["4", null, "2"] });
});
