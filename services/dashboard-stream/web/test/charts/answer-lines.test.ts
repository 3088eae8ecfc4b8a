import assert from "node:assert/strict";
import { test } from "node:test";
import { linesOfAnswer } from "../../src/charts/answer-lines.ts";
import { lineFigure } from "../../src/charts/figure.ts";
import type { QueryAnswer, QuerySeries } from "../../src/model/contracts.ts";
import type { Palette } from "../../src/charts/palette.ts";

const MINUTE = 60_000;
const NOW = 1_800_000_000_000;

function answer(series: QuerySeries[]): QueryAnswer {
  return {
    metric: "room-temperature", aggregate: "avg", unit: "Cel", from: NOW - 60 * MINUTE, to: NOW, resolution: "1m", source: "rollup_1m", as_of: NOW,
    series, service_names: { "front-end": "Front End" },
  };
}

function series(label: string, level: number): QuerySeries {
  return { labels: label ? { service: label } : {}, total: level, points: Array.from({ length: 10 }, (_, i) => [NOW - (20 - i) * MINUTE, level]) };
}

test("an answer of the whole is one line, named after what models speak about", () => {
  const { lines, more } = linesOfAnswer(answer([series("", 4)]), "avg", "Cel", "", NOW - 60 * MINUTE, NOW);
  assert.equal(more, 0);
  assert.deepEqual(lines.map(({ series: name, title, last }) => [name, title, last]), [["room-temperature.avg", "all", 4]]);
});

test("the largest lines are drawn, with the names that services were given, and the others counted", () => {
  const many = [series("front-end", 100), series("", 50), ...Array.from({ length: 9 }, (_, i) => series(`s${i}`, i + 1))];
  const { lines, more } = linesOfAnswer(answer(many), "avg", "Cel", "service", NOW - 60 * MINUTE, NOW);
  assert.equal(lines.length, 8);
  assert.equal(more, 3);
  const titles = lines.map((line) => line.title);
  assert.ok(titles.includes("Front End") && titles.includes("(none)") && !titles.includes("s0"));
  assert.ok(lines.some((line) => line.series === "room-temperature.avg{service=front-end}"));
});

test("a window in which nothing was seen is a gap, and a series without one no line", () => {
  const gap = { labels: {}, total: 1, points: [[NOW - 50 * MINUTE, 1], [NOW - 10 * MINUTE, 1]] as [number, number][] };
  const { lines } = linesOfAnswer(answer([gap]), "avg", "Cel", "", NOW - 60 * MINUTE, NOW);
  assert.deepEqual(lines[0]?.points.y, [1, null, 1]);
  assert.equal(linesOfAnswer(answer([{ labels: {}, total: null, points: [] }]), "avg", "Cel", "", NOW - 60 * MINUTE, NOW).lines.length, 0);
});

test("values below nothing are on the axis", () => {
  const chart = linesOfAnswer(answer([series("", -12)]), "avg", "Cel", "", NOW - 60 * MINUTE, NOW);
  const colours = new Proxy({}, { get: (_, name) => (name === "series" || name === "ramp" ? ["#000000"] : "#000000") }) as Palette;
  const { layout } = lineFigure(chart, { incidents: [], forecast: null, ahead: null }, "Cel", undefined, colours, { width: 600, height: 300 });
  assert.deepEqual(layout.yaxis?.range, [-15, 0]);
});
