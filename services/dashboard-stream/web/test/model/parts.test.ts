import assert from "node:assert/strict";
import { test } from "node:test";
import { limitsOf } from "../../src/model/limits.ts";
import { largest, partsOfWhole } from "../../src/model/parts.ts";
import { treemap } from "../../src/model/treemap.ts";
import { board } from "../fixtures.ts";

const BY = { metric: "requests", field: "rate", by: "status" };
const numbers = (values: Record<string, number | null>, total: number | null) =>
  board({ "requests.rate": total, ...Object.fromEntries(Object.entries(values).map(([value, number]) => [`requests.rate{status=${value}}`, number])) });

test("the largest come first, the others are counted, and what has no number now is left out", () => {
  const { parts, more, seen } = largest(numbers({ a: 1, b: 5, c: null, d: 3 }, 9), BY, 2);
  assert.deepEqual([parts.map((part) => part.text), more, seen], [["b", "d"], 1, true]);
  assert.deepEqual(largest(numbers({ c: null }, null), BY, 2), { parts: [], more: 0, seen: true });
  assert.equal(largest(numbers({}, 1), BY, 2).seen, false);
});

test("the parts add up to the whole", () => {
  const { parts, whole } = partsOfWhole(numbers({ a: 1, b: 5, c: 0, d: 3 }, 10), BY, 2);
  assert.deepEqual(parts.map((part) => [part.text, part.number]), [["b", 5], ["2 others", 5]]);
  assert.equal(whole, 10);
});

test("what the total holds beside the values is said, and rounding is no part", () => {
  assert.deepEqual(partsOfWhole(numbers({ a: 4 }, 10), BY, 8).parts.map((part) => [part.text, part.number]), [["a", 4], ["not told apart", 6]]);
  assert.deepEqual(partsOfWhole(numbers({ a: 3.3333, b: 6.6666 }, 10), BY, 8).parts.length, 2);
  const untotalled = partsOfWhole(numbers({ a: 3, b: 1 }, 10), { ...BY, total: false }, 8);
  assert.deepEqual([untotalled.parts.length, untotalled.whole], [2, 4]);
});

test("areas are in proportion, within the whole, and overlap nowhere", () => {
  const sizes = [60, 20, 10, 5, 5];
  const areas = treemap(sizes, 2);
  areas.forEach(({ x, y, width, height }, place) => {
    assert.ok(Math.abs(width * height - (sizes[place] as number) / 100) < 1e-9);
    assert.ok(x >= -1e-9 && y >= -1e-9 && x + width <= 1 + 1e-9 && y + height <= 1 + 1e-9);
    for (const other of areas.slice(place + 1)) {
      const across = Math.min(x + width, other.x + other.width) - Math.max(x, other.x);
      const down = Math.min(y + height, other.y + other.height) - Math.max(y, other.y);
      assert.ok(across < 1e-9 || down < 1e-9);
    }
  });
  assert.deepEqual([treemap([], 2), treemap([0], 2)], [[], []]);
});

test("a panel's own limits hold before those of the KPI that it shows", () => {
  const kpi = { direction: "down", target: 1, bad: 3 } as const;
  assert.deepEqual(limitsOf(undefined, kpi), kpi);
  assert.deepEqual(limitsOf({ target: 7, bad: null }, kpi), { direction: "up", target: 7 });
  assert.deepEqual(limitsOf(null, undefined), {});
});
