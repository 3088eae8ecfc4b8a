import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChartLine } from "../../src/charts/chart-lines.ts";
import { isBarred, shapes } from "../../src/charts/bars.ts";
import { stackTop } from "../../src/charts/figure.ts";
import { DASHBOARD } from "../fixtures.ts";

const line = (slot: number, x: number[], y: (number | null)[]): ChartLine => ({
  series: String(slot),
  title: String(slot),
  tooltip: undefined,
  entry: DASHBOARD.series[0]!,
  last: null,
  slot,
  dashed: false,
  points: { x, y },
});

test("a stack is as high as its parts together, without the line of all of them", () => {
  assert.equal(stackTop([line(-1, [1, 2], [90, 90]), line(0, [1, 2], [1, 5]), line(1, [2, 3], [3, null])]), 8);
  assert.equal(stackTop([]), 0);
});

test("bars stand beside each other on their windows, with gaps for what is not known", () => {
  const first = line(0, [0, 1_000], [2, null]);
  const second = line(1, [0], [3]);
  assert.deepEqual(shapes(first, 0, 2, 10), { x: [100, 100, 500, 500, null], y: [0, 20, 20, 0, null] });
  assert.deepEqual(shapes(second, 1, 2, 1), { x: [500, 500, 900, 900, null], y: [0, 3, 3, 0, null] });
  const many = shapes(line(0, Array.from({ length: 200 }, (_, i) => i * 1_000), Array(200).fill(1)), 0, 1, 1);
  assert.deepEqual(many.x.slice(0, 6), [0, 0, 1_000, 1_000, null, 1_000]);
  assert.equal(isBarred(line(-1, [], [])), false);
});
