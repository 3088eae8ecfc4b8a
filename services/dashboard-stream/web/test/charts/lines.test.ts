import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../../src/model/catalogue.ts";
import { drawn, SAFE_COLOURS, slots, spark } from "../../src/charts/lines.ts";

function entry(field: string, resolution = "1s"): Entry {
  return { name: `m.${field}`, metric: "m", field, unit: "1", labels: [], total: true, resolution };
}

function seconds(values: (number | null)[]) {
  return { t: values.map((_, i) => i * 1000), v: values };
}

test("a rate is drawn as its mean over ten seconds, without the seconds that are still filling", () => {
  const line = seconds(Array.from({ length: 30 }, (_, i) => i));
  const got = drawn(line, entry("rate"), 0, 29_500);
  assert.equal(got.x.at(-1), 27_000);
  assert.equal(got.y.at(-1), (18 + 27) / 2);
});

test("a share is weighted by how much there was in each second", () => {
  const got = drawn(seconds([0, 1, 0]), entry("error_rate"), 0, 9_000, seconds([98, 1, 1]));
  assert.equal(got.y.at(-1), 1 / 100);
});

test("of percentiles the middle one is drawn", () => {
  assert.equal(drawn(seconds([1, 900, 3, 5, null]), entry("p95"), 0, 9_000).y.at(-1), 4);
});

test("a gauge is drawn as it is", () => {
  assert.deepEqual(drawn(seconds([1, 9]), entry("avg"), 0, 9_000).y, [1, 9]);
});

test("silence is a gap, not a stroke over it", () => {
  const got = drawn({ t: [0, 1000, 60_000], v: [1, 1, 1] }, entry("avg"), 0, 90_000);
  assert.deepEqual(got.y, [1, 1, null, 1]);
});

test("a running minute is left out where it still grows, and drawn where it is a mean", () => {
  const minutes = { t: [0, 60_000], v: [5, 1] };
  assert.deepEqual(drawn(minutes, entry("count", "1m"), 0, 90_000).x, [0]);
  assert.deepEqual(drawn(minutes, entry("avg", "1m"), 0, 90_000).x, [0, 60_000]);
  assert.deepEqual(drawn(minutes, entry("count", "1m"), 0, 120_000).x, [0, 60_000]);
  assert.deepEqual(drawn(minutes, entry("value", "1m"), 0, 90_000).x, [0, 60_000], "a quotient is right in a running minute");
  assert.deepEqual(drawn(minutes, entry("uniques", "1m"), 0, 30_000).x, [0], "the first minute is drawn while it runs");
});

test("names keep their colours when others come, as far as there are colours, and all differ", () => {
  const few = slots(["gateway"]);
  const many = slots(["gateway", "wisdom", "analytics", "predictor", "a", "b", "c", "d"]);
  assert.equal(new Set(many.values()).size, 8);
  assert.ok([...few.values()].every((slot) => slot < SAFE_COLOURS));
  assert.deepEqual(slots(["a", "b"]), slots(["b", "a"]));
});

test("a spark of fewer than two points is none", () => {
  assert.equal(spark({ x: [1], y: [1] }, 0, 2, 10, 10), "");
  assert.match(spark({ x: [0, 1], y: [0, 2] }, 0, 2, 10, 10), /^M0\.0 8\.5L5\.0 1\.5$/);
});
