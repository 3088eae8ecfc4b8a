import assert from "node:assert/strict";
import { test } from "node:test";
import { valueTicks } from "../../src/charts/value-ticks.ts";
import { writeFor } from "../../src/model/format.ts";

function said(tag: string, range: [number, number], suffix = "", step?: number): string[] {
  writeFor(tag);
  try {
    return valueTicks(range, suffix, 5, step).ticktext;
  } finally {
    writeFor("en");
  }
}

test("marks stand at round values, and the last one says the unit", () => {
  assert.deepEqual(said("en-US", [0, 100], " ms"), ["0", "20", "40", "60", "80", "100 ms"]);
  assert.deepEqual(said("en-US", [0, 2.5]), ["0", "0.5", "1", "1.5", "2", "2.5"]);
  assert.deepEqual(said("en-US", [-15, 0]), ["-15", "-10", "-5", "0"]);
  assert.deepEqual(said("en-US", [0, 1], "", 0.25), ["0", "0.25", "0.5", "0.75", "1"]);
  assert.deepEqual(valueTicks([0, 0.3], "").tickvals.map((value) => value.toFixed(2)), ["0.00", "0.10", "0.20", "0.30"]);
});

test("thousands are shortened where there are many", () => {
  assert.deepEqual(said("en-US", [0, 8_000]), ["0", "2,000", "4,000", "6,000", "8,000"]);
  assert.deepEqual(said("en-US", [0, 12_000]), ["0", "5k", "10k"]);
  assert.deepEqual(said("en-US", [0, 2_500_000]), ["0", "500k", "1M", "1.5M", "2M", "2.5M"]);
});

test("the language says decimals, thousands and digits", () => {
  assert.deepEqual(said("de-DE", [0, 2.5]).slice(1, 3), ["0,5", "1"]);
  assert.deepEqual(said("de-DE", [0, 8_000]).slice(1, 2), ["2.000"]);
  assert.deepEqual(said("ar-EG", [0, 2.5]).slice(1, 2), ["\u2068٠٫٥\u2069"]);
});

test("an axis that is no range has few marks and no end", () => {
  assert.ok(said("en-US", [0, Number.NaN]).length <= 1);
  assert.ok(said("en-US", [0, 1e12], "", 1e-3).length <= 60);
  assert.deepEqual(said("en-US", [5, 5]), ["5"]);
});
