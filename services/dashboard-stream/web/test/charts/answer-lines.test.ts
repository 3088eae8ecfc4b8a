import assert from "node:assert/strict";
import { test } from "node:test";
import { linesOfAnswer } from "../../src/charts/answer-lines.ts";
import { lineFigure } from "../../src/charts/figure.ts";
import type { AnswerSeries, AnswerSet } from "../../src/model/contracts.ts";
import type { Palette } from "../../src/charts/palette.ts";

const MINUTE = 60_000;
const NOW = 1_800_000_000_000;

function answer(series: AnswerSeries[], merged = 0): AnswerSet {
  const one = { metric: "room-temperature", aggregate: "avg", unit: "Cel", series, merged };
  return { from: NOW - 60 * MINUTE, to: NOW, resolution: "1m", source: "rollup_1m", as_of: NOW, answers: [one], service_names: { "front-end": "Front End" } };
}

function lined(answers: AnswerSet, ...by: string[]) {
  return linesOfAnswer(answers, { metric: "room-temperature", field: "avg", unit: "Cel", by }, NOW - 60 * MINUTE, NOW);
}

function series(label: string, level: number): AnswerSeries {
  return { labels: label ? { service: label } : {}, total: level, points: Array.from({ length: 10 }, (_, i) => [NOW - (20 - i) * MINUTE, level]) };
}

test("an answer of the whole is one line, named after what models speak about", () => {
  const { lines } = lined(answer([series("", 4)]));
  assert.deepEqual(lines.map(({ series: name, title, last }) => [name, title, last]), [["room-temperature.avg", "all", 4]]);
});

test("groups have the names that services were given, and what is beyond them comes last, in the colour of a total", () => {
  const { lines } = lined(answer([series("front-end", 100), series("other", 60), series("zebra", 2), series("", 50)], 3), "service");
  assert.deepEqual(lines.map((line) => line.title), ["(none)", "Front End", "zebra", "other"]);
  assert.deepEqual(lines.map((line) => line.slot < 0), [false, false, false, true]);
  assert.ok(lines.some((line) => line.series === "room-temperature.avg{service=front-end}"));
});

test("groups of several labels are told apart by all of them", () => {
  const two = (service: string, route: string): AnswerSeries => ({ ...series(service, 1), labels: { service, route } });
  const { lines } = lined(answer([two("front-end", "other"), two("front-end", "/a"), two("other", "other")]), "service", "route");
  assert.deepEqual(lines.map((line) => line.title), ["Front End · /a", "Front End · other", "other"]);
  assert.equal(lines[0]?.series, "room-temperature.avg{route=/a,service=front-end}");
  assert.equal(new Set(lines.map((line) => line.slot)).size, 3);
});

test("a window in which nothing was seen is a gap, and a series without one no line", () => {
  const gap = { labels: {}, total: 1, points: [[NOW - 50 * MINUTE, 1], [NOW - 10 * MINUTE, 1]] as [number, number][] };
  const { lines } = lined(answer([gap]));
  assert.deepEqual(lines[0]?.points.y, [1, null, 1]);
  assert.equal(lined(answer([{ labels: {}, total: null, points: [] }])).lines.length, 0);
});

test("values below nothing are on the axis", () => {
  const chart = lined(answer([series("", -12)]));
  const colours = new Proxy({}, { get: (_, name) => (name === "series" || name === "ramp" ? ["#000000"] : "#000000") }) as Palette;
  const { layout } = lineFigure(chart, { incidents: [], forecast: null, ahead: null }, "Cel", undefined, colours, { width: 600, height: 300 });
  assert.deepEqual(layout.yaxis?.range, [-15, 0]);
});
