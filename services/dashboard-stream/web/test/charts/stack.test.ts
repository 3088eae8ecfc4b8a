import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChartLine } from "../../src/charts/chart-lines.ts";
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
