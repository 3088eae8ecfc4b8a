import assert from "node:assert/strict";
import { test } from "node:test";
import { FIELDS, histogramOf, rowsOfHistogram } from "../../src/model/histogram.ts";

/** The totals of `values`, as percentiles by nearest rank. */
function totals(values: number[]): Map<string, number> {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] as number;
  return new Map(FIELDS.map((field) => [field, field === "count" ? values.length : field === "min" ? at(0) : field === "max" ? at(1) : at(Number(field.slice(1)) / 100)]));
}

function counts(values: number[]): number[] {
  return histogramOf(totals(values))?.bins.map((bin) => bin.count) ?? [];
}

const SUM = (list: number[]) => list.reduce((sum, one) => sum + one, 0);

test("no more is asked than two sets of questions take", () => assert.equal(FIELDS.length, 28));

test("all values are in it once, whatever they are", () => {
  const even = Array.from({ length: 1_000 }, (_, i) => i + 1);
  const wide = Array.from({ length: 1_000 }, (_, i) => 1.01 ** i);
  for (const values of [even, wide, [7], [3, 3, 3], [0, 0, 5], [-5, -1, 2], Array(100).fill(1).concat([1e6])]) {
    assert.ok(Math.abs(SUM(counts(values)) - values.length) < 1e-6 * values.length, String(values.slice(0, 3)));
    assert.ok(counts(values).every((count) => count >= 0));
  }
});

test("what is spread evenly has bars of about one height, and two groups have two heaps", () => {
  const even = counts(Array.from({ length: 1_000 }, (_, i) => i + 1)).slice(0, -1);
  assert.ok(Math.max(...even) < 1.5 * Math.min(...even));
  const two = Array.from({ length: 1_000 }, (_, i) => (i % 2 ? 10 : 90) + (i % 7));
  const heaps = histogramOf(totals(two))?.bins ?? [];
  const within = (low: number, high: number) => SUM(heaps.filter((bin) => bin.to > low && bin.from < high).map((bin) => bin.count));
  assert.ok(within(30, 80) < 0.06 * two.length);
  assert.ok(within(8, 20) > 0.4 * two.length);
});

test("without values there is nothing, and what is unknown is left out", () => {
  assert.equal(histogramOf(new Map([["count", 0]])), null);
  assert.equal(histogramOf(new Map()), null);
  assert.equal(histogramOf(new Map<string, number | null>([["count", 3], ["min", 1], ["p50", null], ["max", 2]]))?.count, 3);
});

test("its rows say from where to where in the unit", () => {
  const found = histogramOf(totals([1, 2, 3]));
  assert.ok(found);
  const { columns, rows } = rowsOfHistogram(found, "ms");
  assert.deepEqual(columns.map((column) => column.unit), ["ms", "ms", ""]);
  assert.equal(rows.length, found.bins.length);
});
