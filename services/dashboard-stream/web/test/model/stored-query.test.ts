import assert from "node:assert/strict";
import { test } from "node:test";
import { linesOfTotals } from "../../src/charts/query-lines.ts";
import type { StoredQuery } from "../../src/model/contracts.ts";
import { areOnOneScale, nameOfQuery, nameOfTotal, partsOf, questionOf, resolutionsOf, totalsOf, unitAt, unitOfAnswer, widened } from "../../src/model/stored-query.ts";

const BY_SERVICE: StoredQuery = { metric: "requests", aggregate: "rate", group_by: ["service"], top: 2 };

test("a query is asked as the gateway takes it, with as many groups as its panel tells apart", () => {
  assert.deepEqual(questionOf({ expression: "count(a)", group_by: ["b"] }, "line"), { expression: "count(a)", group_by: ["b"], top: 12 });
  assert.deepEqual(questionOf({ metric: "a", aggregate: "p95", only: { b: ["x", "y"] }, without: { c: "z" }, where: "d exists", group_by: ["b"] }, "table"), {
    metric: "a",
    aggregate: "p95",
    filters: [
      { label: "b", op: "in", values: ["x", "y"] },
      { label: "c", op: "!=", value: "z" },
    ],
    where: "d exists",
    group_by: ["b"],
    top: 50,
  });
  assert.deepEqual(questionOf(BY_SERVICE, "bar"), { metric: "requests", aggregate: "rate", group_by: ["service"], top: 2 });
});

test("panels that ask a moment apart ask for the same range", () => {
  const [first] = resolutionsOf({}, 5 * 60_000);
  assert.equal(first, "10s");
  assert.deepEqual(resolutionsOf({ resolution: "1d" }, 60_000), ["1d"]);
  assert.deepEqual(widened(61_234, 361_234, first), { from: 60_000, to: 370_000 });
  assert.deepEqual(widened(61_999, 361_999, first), { from: 60_000, to: 370_000 });
  assert.deepEqual(widened(5_000_000, 9_000_000, "1d"), { from: 3_600_000, to: 10_800_000 });
});

test("a query is called as it says, else by what it asks, and a group by its values", () => {
  assert.equal(nameOfQuery({ name: "N", expression: "count(a)" }), "N");
  assert.equal(nameOfQuery({ metric: "a", aggregate: "p95", only: { s: ["web", "api"] } }), "a p95, web or api");
  assert.equal([...nameOfQuery({ expression: "😀".repeat(90) })].length, 60);
  const totals = totalsOf(BY_SERVICE, 0, { unit: "1/s", series: [{ labels: { service: "s1" }, total: 3, points: [] }, { labels: { service: "" }, total: 1, points: [] }, { labels: { service: "other" }, total: 9, points: [] }] }, { s1: "<b>Web</b>" });
  assert.deepEqual(totals.map((total) => nameOfTotal(total, [BY_SERVICE])), ["<b>Web</b>", "(none)", "other"]);
  assert.equal(nameOfTotal(totals[0] as never, [BY_SERVICE, BY_SERVICE]), "requests rate: <b>Web</b>");
  assert.deepEqual(partsOf(totals, [BY_SERVICE]).map(({ value, number }) => [value === null, number]), [[false, 3], [false, 1], [true, 9]]);
  assert.equal(unitOfAnswer({ metric: "requests", aggregate: "error_rate" }, { unit: "1" }), "share");
  assert.equal(unitOfAnswer({ metric: "cpu_utilization", aggregate: "avg" }, { unit: "1" }), "utilization");
  assert.equal(unitOfAnswer({ expression: "sum(a)" }, { unit: "By" }), "By");
});

const answer = (points: [number, number | null][], service = "web") => ({ unit: "1/s", series: [{ labels: { service }, total: 5, points }] });

test("lines have the points of whole steps, and the period before beside them", () => {
  const now = totalsOf(BY_SERVICE, 0, answer([[0, 1], [10_000, 2], [20_000, 3], [30_000, 9]]), {});
  const then = totalsOf(BY_SERVICE, 0, answer([[-60_000, 4], [-50_000, 5]]), {});
  const { lines, more } = linesOfTotals({ queries: [BY_SERVICE], totals: now, before: then, offset: 60_000, resolution: "10s", unit: "1/s", from: 0, now: 35_000 });
  assert.equal(more, 0);
  assert.deepEqual(lines[0]?.points, { x: [0, 10_000, 20_000], y: [1, 2, 3] });
  assert.deepEqual(lines[0]?.before, { x: [0, 10_000], y: [4, 5] });
  assert.deepEqual(lines[0]?.compared, { now: 5, then: 5 });
});

test("what is sent once a minute is a line and no row of dots", () => {
  const totals = totalsOf(BY_SERVICE, 0, answer([[0, 1], [60_000, 2], [120_000, 3]]), {});
  const { lines } = linesOfTotals({ queries: [BY_SERVICE], totals, before: null, offset: 0, resolution: "10s", unit: "1", from: 0, now: 300_000 });
  assert.deepEqual(lines[0]?.points.y, [1, 2, 3]);
});

test("more lines than can be told apart are counted", () => {
  const totals = Array.from({ length: 11 }, (_, i) => totalsOf(BY_SERVICE, 0, answer([[0, i + 1]], `s${i}`), {})).flat();
  const { lines, more } = linesOfTotals({ queries: [BY_SERVICE], totals, before: null, offset: 0, resolution: "10s", unit: "1", from: 0, now: 60_000 });
  assert.deepEqual([lines.length, more], [8, 3]);
});

test("columns of a table and numbers beside the first have the units of their own queries", () => {
  const came = { unit: "{question}", units: ["{question}", "1"] };
  assert.deepEqual([unitAt(came, 0), unitAt(came, 1), unitAt({ unit: "ms" }, 1)], ["{question}", "1", "ms"]);
  assert.deepEqual((["stat", "table", "bar", "pie", "line"] as const).map(areOnOneScale), [false, false, true, true, true]);
});
