import assert from "node:assert/strict";
import { test } from "node:test";
import { ageInWords, type Asked, wordOf } from "../../src/model/asked.ts";
import { choiceOf, drawnOf, metricLink, queryOf, RANGES } from "../../src/model/metric-choice.ts";
import { cardinality, choices, drawable, fieldUnit, firstField, matching, named, originInWords, originOf, seenInWords, sizesOf, sorted } from "../../src/model/metrics.ts";
import { metric } from "../fixtures.ts";

const DURATION = metric({ name: "http.server.request.duration", token: "http-server-request-duration", unit: "s", services: ["checkout"] });
const QUEUE = metric({ name: "queue.depth", token: "queue-depth", kind: "gauge", unit: "{message}", origin: "tenant", fields: { avg: "{message}", min: "{message}", max: "{message}" } });
const SCORE = metric({ name: "wisdom_score", token: "wisdom_score", unit: "1", origin: "pack:wisdom" });
const ALL = [DURATION, QUEUE, SCORE];
const ANY = { search: "", origin: "", kind: "", sort: "name" };

test("every word of a search must stand somewhere in what a metric says of itself", () => {
  const names = (search: string) => matching(ALL, { ...ANY, search }).map((one) => one.name);
  assert.deepEqual(names(""), ["http.server.request.duration", "queue.depth", "wisdom_score"]);
  assert.deepEqual(names("REQUEST  server"), ["http.server.request.duration"]);
  assert.deepEqual(names("checkout"), ["http.server.request.duration"]);
  assert.deepEqual(names("queue-depth"), ["queue.depth"]);
  assert.deepEqual(names("message nothing"), []);
  assert.deepEqual(names(".*"), []);
});

test("filters know all packs as one origin", () => {
  assert.deepEqual(choices(ALL, originOf), ["otlp", "pack", "tenant"]);
  assert.deepEqual(matching(ALL, { ...ANY, origin: "pack" }), [SCORE]);
  assert.deepEqual(matching(ALL, { ...ANY, kind: "gauge", origin: "otlp" }), []);
  assert.equal(originInWords("pack:wisdom"), "pack wisdom");
  assert.equal(originInWords("later"), "later");
});

test("the kind chooses the field, and a share of the whole needs parts", () => {
  assert.equal(firstField(DURATION), "p95");
  assert.equal(firstField(QUEUE), "avg");
  assert.equal(firstField(metric({ kind: "counter" })), "rate");
  assert.equal(firstField(metric({ kind: "unique", fields: { uniques: "{user}" } })), "uniques");
  assert.ok(!drawable(DURATION, []).includes("share"));
  assert.ok(drawable(DURATION, ["route"]).includes("share"));
  assert.equal(fieldUnit(DURATION, "error_rate"), "share");
  assert.equal(fieldUnit(DURATION, "p99.9"), "s");
  assert.equal(fieldUnit(metric({ name: "system.cpu.utilization", token: "system-cpu-utilization", unit: "1", fields: { avg: "1" } }), "avg"), "utilization");
  assert.equal(fieldUnit(metric({ shares: [{ name: "hit_rate", dimension: "result", value: "hit" }] }), "hit_rate"), "share");
});

test("series near and at their limit are said", () => {
  assert.equal(cardinality(metric({ max_series: 10 })), null);
  assert.equal(cardinality(metric({ series: 7, max_series: 10 }))?.tone, "");
  assert.equal(cardinality(metric({ series: 8, max_series: 10 }))?.tone, "warn");
  const full = cardinality(metric({ series: 12, max_series: 10 }));
  assert.equal(full?.tone, "bad");
  assert.equal(full?.share, 1);
});

test("when a metric was seen is rounded to what a reader needs", () => {
  const seen = (ago: number) => seenInWords(metric({ last_seen: 1e12 - ago }), 1e12);
  assert.equal(seen(5_000), "just now");
  assert.equal(seen(150_000), "2 min ago");
  assert.equal(seen(3 * 3_600_000 + 1), "3 h ago");
  assert.equal(seenInWords(metric(), 1e12), "never");
  assert.equal(seenInWords(metric(), 1e12, false), "not known");
});

test("the address says the whole choice, and an address that says nonsense is the first choice", () => {
  const choice = { ...choiceOf(""), metric: "a&b=c ☂/%", field: "p95", by: ["a,b", "route"], where: [{ label: "route", value: "/a:b ☂&c" }], top: 3, range: RANGES[3] as (typeof RANGES)[0], resolution: "6h", search: "x y", origin: "otlp", kind: "gauge", sort: "-series", edit: "change" as const };
  assert.deepEqual(choiceOf(queryOf(choice)), choice);
  assert.equal(queryOf(choiceOf("")), "");
  assert.deepEqual(choiceOf("?range=9y&top=4&step=1s&edit=all&by=&by="), { ...choiceOf(""), resolution: "" });
  const drawn = (query: string) => drawnOf(DURATION, choiceOf(query));
  assert.deepEqual(drawn("?field=p99.9&by=route"), { field: "p99.9", by: ["route"], where: [] });
  assert.deepEqual(drawn("?field=nothing&by=nothing"), { field: "p95", by: [], where: [] });
  assert.deepEqual(drawn("?field=share"), { field: "p95", by: [], where: [] });
  assert.deepEqual(drawnOf(QUEUE, choiceOf("?field=p50")), { field: "avg", by: [], where: [] });
  assert.equal(metricLink({ metric: "requests", field: "rate", by: "service" }), "/api/dashboard/metrics?metric=requests&field=rate&by=service");
  const link = metricLink({ metric: "requests", field: "errors", labels: { route: "/a?b" } });
  assert.equal(link, "/api/dashboard/metrics?metric=requests&field=errors&where=route%3A%2Fa%3Fb");
  assert.deepEqual(drawn(link.slice(link.indexOf("?"))).where, [{ label: "route", value: "/a?b" }]);
  assert.deepEqual(drawn("?where=nothing:x&where=route&where=:x").where, []);
});

test("a metric is found by its name before another's token", () => {
  const other = metric({ name: "queue-depth", token: "other" });
  assert.equal(named([QUEUE, other], "queue-depth"), other);
  assert.equal(named([QUEUE], "queue-depth"), QUEUE);
  assert.equal(named(ALL, "nothing"), null);
});

test("what was asked is loading, current, refreshing, stale or failed", () => {
  const asked: Asked<number> = { value: null, at: 0, asking: true, failure: null };
  const failure = { why: "away", key: false };
  const now = 1_000_000;
  const word = (changed: Partial<Asked<number>>) => wordOf({ ...asked, ...changed }, now, 15_000);
  assert.equal(word({}), "loading");
  assert.equal(word({ failure }), "failed");
  assert.equal(word({ value: 0, at: now }), "refreshing");
  assert.equal(word({ value: 0, at: now, asking: false }), "current");
  assert.equal(word({ value: 0, at: now, failure }), "stale");
  assert.equal(word({ value: 0, at: now - 61_000, asking: false }), "stale");
  assert.equal(ageInWords({ ...asked, value: 0, at: now - 125_000 }, now), "as of 2 min 5 s ago");
});

test("a list is in the order of a column, equal ones by name, and of no column by name", () => {
  const many = [
    metric({ name: "b", series: 2, last_seen: 5, services: ["x"] }),
    metric({ name: "a", series: 2, watched: true }),
    metric({ name: "c", kind: "derived", last_seen: 9, enabled: false }),
  ];
  const order = (sort: string) => sorted(many, sort).map((one) => one.name).join("");
  assert.equal(order("name"), "abc");
  assert.equal(order("-name"), "cba");
  assert.equal(order("-series"), "abc");
  assert.equal(order("series"), "cab");
  assert.equal(order("-seen"), "cba");
  assert.equal(order("services"), "bac");
  assert.equal(order("-watched"), "abc");
  assert.equal(order("kind"), "cab");
  assert.equal(order("constructor"), "abc");
});

test("how many values a dimension has counts the merged groups, and not what is beyond the limit", () => {
  const total = (value: number | null) => ({ series: [{ total: value }] });
  const orders = metric({ kind: "counter", dimensions: ["service", "shop"] });
  const two = { merged: 8, series: [{ total: 1 }, { total: 2 }] };
  assert.deepEqual(sizesOf(orders, [total(3), two, { series: [] }]), { dimensions: [{ label: "service", values: 1 }, { label: "shop", values: 9 }], overflow: false, beyond: 0 });
  assert.deepEqual(sizesOf(orders, [{ merged: 1, series: [] }, two, total(7)]).dimensions.map((one) => one.values), [1, 8]);
  assert.equal(sizesOf(orders, [total(1), two, total(7)]).beyond, 7);
  assert.equal(sizesOf(metric({ kind: "gauge", dimensions: ["service"] }), [total(1), total(0)]).overflow, true);
});
