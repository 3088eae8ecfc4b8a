import assert from "node:assert/strict";
import { test } from "node:test";
import type { FoundRecord, OutlineAnswer } from "../../src/model/contracts.ts";
import { foldable, marksOf, matchesOf, nextOf, opened, rowsOf, slowestOf, waterfallOf, windowOf } from "../../src/model/waterfall.ts";

/** `spans`: name, depth, start after the root, duration. */
function outline(spans: [string, number, number, number][], more: Partial<OutlineAnswer> = {}): OutlineAnswer {
  const names = [...new Set(spans.map(([name]) => name))];
  return {
    trace_id: "a".repeat(32),
    root: "s0",
    start_ms: 1000,
    duration_ms: 100,
    services: ["shop", "kitchen"],
    service_names: { shop: "Tea Shop" },
    names,
    span_ids: spans.map((_, place) => `s${place}`),
    depths: spans.map(([, depth]) => depth),
    of_service: spans.map(([, depth]) => (depth > 1 ? 1 : 0)),
    of_name: spans.map(([name]) => names.indexOf(name)),
    starts_ms: spans.map(([, , start]) => start),
    durations_ms: spans.map(([, , , duration]) => duration),
    self_ms: spans.map(() => 0),
    failed: [],
    critical_path: { places: [], from_ms: [], to_ms: [], waiting: [] },
    ...more,
  };
}

const TREE = waterfallOf(
  outline([["a", 0, 0, 100], ["b", 1, 10, 50], ["c", 2, 20, 10], ["d", 1, 70, 130], ["lost", 0, -50, 10]], {
    failed: [{ place: 2, message: "The kettle is cold" }],
    critical_path: { places: [0, 2, 0], from_ms: [0, 20, 30], to_ms: [20, 30, 100], waiting: [0, 1, 0] },
    self_ms: [90, 0, 10, 0, 0],
  }),
);

test("bars lie in the range from the first start to the last end", () => {
  assert.deepEqual([...TREE.left].map((one) => Number(one.toFixed(3))), [0.2, 0.24, 0.28, 0.48, 0]);
  assert.deepEqual([...TREE.width], [0.4, 0.2, 0.04, 0.52, 0.04]);
  assert.deepEqual([...TREE.below], [3, 1, 0, 0, 0]);
  assert.deepEqual([...TREE.parents], [-1, 0, 1, 0, -1]);
  assert.deepEqual(TREE.critical.get(2), [{ left: 70 / 250, width: 10 / 250, waiting: true }]);
  assert.equal(TREE.critical.get(0)?.length, 2);
  assert.deepEqual(slowestOf(TREE, 3), [0, 2]);
});

test("what is below a closed span is left out, and comes back for one that is shown", () => {
  assert.deepEqual(rowsOf(TREE, new Set(["s1"]), false), [0, 1, 3, 4]);
  assert.deepEqual(rowsOf(TREE, new Set(["s0"]), false), [0, 4]);
  assert.deepEqual(rowsOf(TREE, foldable(TREE), false), [0, 4]);
  assert.deepEqual([...opened(TREE, new Set(["s0", "s1", "s3"]), 2)], ["s3"]);
  const same = new Set(["s3"]);
  assert.equal(opened(TREE, same, 2), same);
});

test("the critical path alone has what is above it, too", () => {
  assert.deepEqual(rowsOf(TREE, new Set(), true), [0, 1, 2]);
});

test("spans are found by name, service, message and id, one after the other and round the end", () => {
  assert.deepEqual(matchesOf(TREE, "LOST"), [4]);
  assert.deepEqual(matchesOf(TREE, "tea shop"), [0, 1, 3, 4]);
  assert.deepEqual(matchesOf(TREE, "kettle"), [2]);
  assert.deepEqual(matchesOf(TREE, "error"), [2]);
  assert.deepEqual(matchesOf(TREE, "s3"), [3]);
  assert.deepEqual(matchesOf(TREE, "lost", ["s3", "of another trace"]), [3, 4], "and by what only the service knows");
  assert.deepEqual(matchesOf(TREE, " "), []);
  const matches = [1, 3, 4];
  assert.deepEqual([nextOf(matches, 1, false), nextOf(matches, 4, false), nextOf(matches, 1, true), nextOf([], 1, false)], [3, 1, 4, -1]);
});

test("log records stand on their spans, what is of no span above all, and what was at another time nowhere", () => {
  const record = (span_id: string, ms: number, severity_number = 9): FoundRecord => ({ id: span_id, time: new Date(ms).toISOString(), service: "shop", severity: "info", template: "t", span_id, severity_number, body: { tea: 1 } });
  const marks = marksOf(TREE, [record("s2", 1020, 17), record("elsewhere", 1050), record("s1", 9000)], [
    { event_id: "e", event_type: "page_view", time_ms: 1000 },
    { event_id: "f", event_type: "page_view", time_ms: 90_000 },
  ]);
  assert.deepEqual([...marks.keys()].sort(), [-1, 2]);
  assert.deepEqual(marks.get(2), [{ left: 70 / 250, text: 'log: {"tea":1}', bad: true }]);
  assert.deepEqual(marks.get(-1)?.map((mark) => mark.text), ['log: {"tea":1}', "event: page_view"]);
});

test("of ten thousand rows those in the window are drawn", () => {
  assert.deepEqual(windowOf(2800, 560, 28, 10_000, 5), { first: 95, last: 125 });
  assert.deepEqual(windowOf(0, 560, 28, 3, 5), { first: 0, last: 3 });
  assert.deepEqual(windowOf(9999, 560, 28, 0, 5), { first: 0, last: 0 });
});

test("a trace of ten thousand spans is laid out in a moment, however deep", () => {
  const deep = waterfallOf(outline(Array.from({ length: 10_000 }, (_, place) => [`n${place}`, place, place, 10_000 - place])));
  assert.equal(deep.below[0], 9_999);
  assert.equal(rowsOf(deep, new Set(["s5000"]), false).length, 5_001);
});
