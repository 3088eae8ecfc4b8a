import assert from "node:assert/strict";
import { test } from "node:test";
import { type Area, placeOf, pointedMarks, pointedRows, selected, timeAt } from "../../src/charts/pointed.ts";

const AREA: Area = { left: 40, right: 440, top: 10, bottom: 200, from: 1_000_000, to: 1_400_000 };
const say = (value: number) => `${value} ms`;
const line = (title: string, x: number[], y: (number | null)[]) => ({ title, colour: "#000000", x, y, say });

test("a pixel is an instant, and an instant a pixel", () => {
  assert.equal(timeAt(AREA, 140), 1_100_000);
  assert.equal(timeAt(AREA, 0), AREA.from);
  assert.equal(placeOf(AREA, 1_100_000), 140);
  assert.equal(placeOf(AREA, 999_999), null);
});

test("values stand with the largest first, of the points nearest to the pointer", () => {
  const lines = [line("small", [1_100_000, 1_101_000], [1, 2]), line("large", [1_100_000], [9]), line("gap", [1_100_000], [null]), line("far", [1_300_000], [50])];
  const { at, rows } = pointedRows(lines, 1_100_400, AREA);
  assert.equal(at, 1_100_000);
  assert.deepEqual(rows.map(({ title, text }) => [title, text]), [["large", "9 ms"], ["small", "1 ms"]]);
  // Minutes on a wide chart are far apart, and the nearer one is still meant.
  const minutes = line("minutes", [1_100_000, 1_160_000], [1, 2]);
  assert.equal(pointedRows([minutes], 1_128_000, { ...AREA, right: 4_000 }).rows[0]?.value, 1);
  assert.deepEqual(pointedRows([], 5, AREA), { at: 5, rows: [] });
});

test("marks are said where one points at them", () => {
  const marks = [{ x: 1_100_000, text: ["spike"] }, { x: 1_200_000, text: ["drop"] }];
  assert.deepEqual(pointedMarks(marks, 1_105_000, AREA).map((mark) => mark.text[0]), ["spike"]);
});

test("a range is drawn in either direction, in whole seconds, and not by an unsteady hand", () => {
  const drawn = { from: 1_100_000, to: 1_200_000 };
  assert.deepEqual(selected(AREA, 140, 240, 5_000), drawn);
  assert.deepEqual(selected(AREA, 240, 140, 5_000), drawn);
  assert.equal(selected(AREA, 140, 144, 5_000), null);
  const short = selected({ ...AREA, to: AREA.from + 40_000 }, 140, 150, 5_000);
  assert.ok(short && short.to - short.from >= 5_000);
});
