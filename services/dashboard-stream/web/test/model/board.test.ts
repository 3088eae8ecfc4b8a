import assert from "node:assert/strict";
import { test } from "node:test";
import { Board, INSIGHTS, LENGTH } from "../../src/model/board.ts";
import type { Frame } from "../../src/model/contracts.ts";

function frame(type: Frame["type"], seq: number, data: Partial<Frame["data"]> = {}, epoch = "e1"): Frame {
  return { type, dashboard: "d", epoch, seq, ts: 1000 + seq, data: { values: {}, series: {}, events: [], ...data } };
}

function insight(key: string, at: number) {
  return { key, series: "a.rate", at, kind: "anomaly", metric: "a", field: "rate", state: "ready" };
}

test("a snapshot replaces everything", () => {
  const board = new Board();
  board.take(frame("snapshot", 1, { values: { a: 1 }, series: { l: [[1, 1]] }, events: [insight("k", 1)] }));
  assert.ok(board.take(frame("snapshot", 9, { values: { b: 2 } }, "e2")));
  assert.deepEqual([board.values, board.lines.size, board.insights.size, board.epoch], [{ b: 2 }, 0, 0, "e2"]);
});

test("an update appends, replaces points of equal time, takes points back, and comes in any order", () => {
  const board = new Board();
  board.take(frame("snapshot", 1, { series: { l: [[10, 1], [20, 2]] } }));
  board.take(frame("update", 2, { series: { l: [[30, 3], [20, 5], [15, 4], [10, null]] } }));
  assert.deepEqual(board.lines.get("l"), { t: [10, 15, 20, 30], v: [null, 4, 5, 3] });
});

test("a frame taken twice changes nothing", () => {
  const board = new Board();
  const update = frame("update", 2, { values: { a: 1 }, series: { l: [[30, 3]] }, events: [insight("k", 1)] });
  board.take(frame("snapshot", 1));
  board.take(update);
  board.take(update);
  assert.deepEqual([board.lines.get("l")?.t, board.insights.size, board.skipped], [[30], 1, 0]);
});

test("an update of another epoch, or before any snapshot, asks for a snapshot and changes nothing", () => {
  const board = new Board();
  assert.equal(board.take(frame("update", 1, { values: { a: 1 } })), false);
  board.take(frame("snapshot", 1, { values: { a: 1 } }));
  assert.equal(board.take(frame("update", 2, { values: { a: 2 } }, "other")), false);
  assert.equal(board.value("a"), 1);
});

test("frames that came only as part of a later one are counted", () => {
  const board = new Board();
  board.take(frame("snapshot", 1));
  board.take(frame("update", 2));
  board.take(frame("update", 6));
  assert.equal(board.skipped, 3);
});

test("a later word under the same key replaces the earlier one, and what is no insight is left out", () => {
  const board = new Board();
  board.take(frame("snapshot", 1, { events: [insight("k", 1), insight("k", 7), { strange: true }] }));
  assert.deepEqual([...board.insights.values()].map((one) => one.at), [7]);
});

test("a line is bounded, and its oldest points go", () => {
  const board = new Board();
  board.take(frame("snapshot", 1, { series: { l: Array.from({ length: LENGTH + 50 }, (_, i): [number, number] => [i, i]) } }));
  assert.deepEqual([board.lines.get("l")?.t.length, board.lines.get("l")?.t[0]], [LENGTH, 50]);
});

test("insights are bounded, and what is over goes before what was told long ago and still holds", () => {
  const board = new Board();
  const over = Array.from({ length: INSIGHTS }, (_, i) => ({ ...insight(`over-${i}`, 10 + i), phase: "resolved" }));
  board.take(frame("snapshot", 1, { events: [insight("state", 1), ...over] }));
  assert.deepEqual([board.insights.size, board.insights.has("state"), board.insights.has("over-0")], [INSIGHTS, true, false]);
});

test("labels are found in values and lines, and braces in their values do no harm", () => {
  const board = new Board();
  board.take(frame("snapshot", 1, { values: { "r.rate{s=b}": 1, "r.rate{s={x}=y}": 1, "r.rate{t=z}": 1 }, series: { "r.rate{s=a}": [] } }));
  assert.deepEqual(board.labelValues("r.rate", "s"), ["a", "b", "{x}=y"]);
});

test("results of saved funnels are replaced by newer ones, and by a snapshot", () => {
  const board = new Board();
  const result = (name: string, revision: number) => ({ name, title: name, revision, funnel: { steps: [] }, as_of: revision });
  board.take(frame("snapshot", 1, { funnels: { a: result("a", 1), b: result("b", 1) } }));
  board.take(frame("update", 2, { funnels: { b: result("b", 2) } }));
  board.take(frame("update", 3));
  assert.deepEqual([...board.funnels.values()].map(({ name, revision }) => [name, revision]), [["a", 1], ["b", 2]]);
  board.take(frame("snapshot", 4));
  assert.equal(board.funnels.size, 0);
});
