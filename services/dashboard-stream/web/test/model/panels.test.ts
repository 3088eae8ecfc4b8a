import assert from "node:assert/strict";
import { test } from "node:test";
import { askedLines, firstReading, type Panel, readingOf, sections } from "../../src/model/panels.ts";

const RATE = { metric: "requests", field: "rate" };

test("a question has the name that its number has in frames", () => {
  assert.equal(readingOf(RATE), "requests.rate");
  assert.equal(readingOf({ metric: "events", field: "count", span: "24h" }), "events.count.24h");
});

test("a chart asks for totals and for values of a dimension", () => {
  const chart = { kind: "time_series" as const, title: "t", lines: [{ ...RATE, name: "all" }, { ...RATE, by: "service" }] };
  assert.deepEqual(askedLines(chart), [{ reading: "requests.rate", name: "all" }, { reading: "requests.rate", by: "service" }]);
  assert.equal(firstReading({ kind: "heatmap", title: "t", rows: { ...RATE, by: "topic" } }), "requests.rate");
});

test("panels keep their order within their section", () => {
  const panels: Panel[] = [
    { kind: "table", title: "c", by: "service", head: "Service", columns: [{ ...RATE, title: "now" }] },
    { kind: "stat", title: "a", value: RATE },
    { kind: "heatmap", title: "b", rows: { ...RATE, by: "topic" } },
    { kind: "gauge", title: "d", value: RATE },
    { kind: "text", title: "e", text: "x" },
    { kind: "pie", title: "f", parts: { ...RATE, by: "status" } },
  ];
  const { stats, charts, lists } = sections(panels);
  assert.deepEqual([stats, charts, lists].map((some) => some.map((panel) => panel.title)), [["a", "d"], ["b"], ["c", "e", "f"]]);
});
