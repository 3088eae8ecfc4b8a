import assert from "node:assert/strict";
import { test } from "node:test";
import { histogramOf, rowsOfHistogram } from "../../src/model/histogram.ts";

const answer = (total: number | null, counts: number[] = [], edges: number[] = []) => ({
  unit: "ms",
  edges,
  series: [{ labels: {}, total, points: [], counts, counts_by_step: [[60_000, counts]] as [number, number[]][] }],
});

test("values are counted in the ranges of the answer", () => {
  const spread = histogramOf(answer(20, [3, 0, 7], [1, 10, 100, 900]), answer(800));
  assert.deepEqual(spread, {
    bins: [
      { from: 1, to: 10, count: 3 },
      { from: 10, to: 100, count: 0 },
      { from: 100, to: 900, count: 7 },
    ],
    count: 10,
    p50: 20,
    p95: 800,
    steps: [[60_000, [3, 0, 7]]],
  });
  assert.deepEqual(rowsOfHistogram(spread as never, "ms", String).rows, [[1, 10, 3], [10, 100, 0], [100, 900, 7]]);
  const overTime = rowsOfHistogram(spread as never, "ms", (value) => `${value} ms`, true);
  assert.deepEqual(overTime.columns.map(({ title }) => title), ["Time", "1 ms to 10 ms", "10 ms to 100 ms", "100 ms to 900 ms"]);
  assert.deepEqual(overTime.rows, [[60_000, 3, 0, 7]]);
});

test("without values there is nothing to draw", () => {
  assert.equal(histogramOf(answer(null), answer(null)), null);
  assert.equal(histogramOf(undefined, undefined), null);
  assert.equal(histogramOf(answer(5, [], []), answer(5)), null);
});
