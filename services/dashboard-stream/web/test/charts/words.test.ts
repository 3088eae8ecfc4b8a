/** Words in a chart lie neither on each other nor on the axes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { futureOf } from "../../src/charts/forecast-marks.ts";
import { apart } from "../../src/charts/words.ts";

const GROUND = { width: 400, height: 200, from: 0, to: 400, bottom: 0, top: 100 };
const word = (x: number, y: number, text = "level, warning") => ({ x, y, text, xanchor: "left" as const, xshift: 7, yshift: 12 });

test("words with room stay where they are", () => {
  const words = [word(10, 80), word(200, 80), word(10, 20)];
  assert.deepEqual(apart(words, GROUND), words);
});

test("of two that would lie on each other the later one goes below its mark, and a third to its other side", () => {
  const [first, second, third] = apart([word(150, 50), word(155, 50), word(160, 50)], GROUND);
  assert.equal(first?.yshift, 12);
  assert.equal(second?.yshift, -12);
  assert.equal(third?.xanchor, "right");
});

test("what has no room is left out", () => {
  assert.equal(apart(Array.from({ length: 9 }, () => word(150, 50)), GROUND).length, 4);
});

test("a word of a limit at the bottom stands above its line, not on the axis; two limits near each other have theirs at both ends", () => {
  const limit = (y: number) => ({ xref: "paper" as const, x: 0.5, xanchor: "center" as const, xshift: 0, y, yanchor: "top" as const, text: "warning from 5 %" });
  assert.equal(apart([limit(1)], GROUND)[0]?.yanchor, "bottom");
  const two = apart([limit(50), limit(51)], GROUND);
  assert.deepEqual([two.length, two[0]?.yanchor, two[1]?.yanchor], [2, "top", "bottom"]);
  const three = apart([limit(50), limit(50), limit(50)], GROUND);
  assert.deepEqual([three.length, three[2]?.x], [3, 0]);
});

test("a word is within the drawing", () => {
  assert.equal(apart([word(390, 50)], GROUND)[0]?.xanchor, "right");
  assert.deepEqual(apart([word(200, 50, "x".repeat(100))], GROUND), []);
});

test("a forecast is drawn as far as a third of the window, further where that would be no line, and not at all as a stub", () => {
  const points = (stepMs: number, count: number) => Array.from({ length: count }, (_, i) => [(i + 1) * stepMs, 1, 0, 2]);
  assert.equal(futureOf(points(10_000, 90), 0, 300_000, null).length, 9);
  assert.equal(futureOf(points(40_000, 90), 0, 300_000, null).length, 4);
  assert.equal(futureOf(points(150_000, 90), 0, 300_000, null).length, 0);
  assert.equal(futureOf(points(150_000, 90), 0, 300_000, 3_600_000).length, 24);
});
