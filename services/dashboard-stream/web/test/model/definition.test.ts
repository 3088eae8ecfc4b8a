import assert from "node:assert/strict";
import { test } from "node:test";
import {
  around, byPlace, differences, dimensionsOf, documentOf, draftOf, draftOfDefinition, isChanged, newDraft, standing,
} from "../../src/model/definition.ts";
import { meaning } from "../../src/model/provenance.ts";
import { metric } from "../fixtures.ts";

const KPI = metric({ name: "good answers", kind: "derived", unit: "%", dimensions: [], origin: "tenant", revision: 7, expression: "count(a) / count(b)", direction: "up", target: 90, warn: 80, bad: 0, owner: "us" });
const SIGNUPS = metric({ name: "signups", kind: "counter", unit: "{signup}", origin: "tenant", dimensions: ["country", "plan"], published: [[], ["country"]], source: { event: "signup", where: "seats >= 2", dimensions: { country: "geo.country" } } });

test("a form of a metric stores what the metric is", () => {
  const kpi = documentOf(draftOf(KPI));
  assert.deepEqual(kpi.faults, []);
  assert.deepEqual(kpi.document, {
    name: "good answers", kind: "derived", unit: "%", description: "", enabled: true, watched: false, forecast: false,
    expression: "count(a) / count(b)", direction: "up", owner: "us", target: 90, warn: 80, bad: 0,
  });
  const { document } = documentOf(draftOf(SIGNUPS));
  assert.deepEqual(document.source, SIGNUPS.source);
  assert.deepEqual([document.dimensions, document.published, document.max_series], [["country", "plan"], [[], ["country"]], 1000]);
  const otlp = documentOf(draftOf(metric({ published: [[], ["route"]], shares: [{ name: "hits", dimension: "route", value: "/" }] }))).document;
  assert.deepEqual([otlp.origin, otlp.dimensions, otlp.published, (otlp.shares as unknown[]).length, otlp.source], ["otlp", ["service", "route"], [[], ["route"]], 1, undefined]);
});

test("what the form does not show stays as it is, and how long a metric is kept is a number of days or nothing", () => {
  const policy = { fields: ["avg"], side: "up" };
  const kept = documentOf(draftOf(metric({ watch_policy: policy, retention_days: 7 }))).document;
  assert.deepEqual([kept.watch_policy, kept.retention_days], [policy, 7]);
  assert.deepEqual(documentOf(draftOf({ ...KPI, watch_policy: policy })).document.watch_policy, policy);
  assert.equal(documentOf(draftOf(SIGNUPS)).document.retention_days, null);
  assert.deepEqual(documentOf({ ...newDraft("events"), retention_days: "a week" }).faults.map((fault) => fault.field), ["retention_days"]);
});

test("another dimension goes live by itself, and a property of another name is said", () => {
  const { document } = documentOf({ ...draftOf(SIGNUPS), dimensions: "plan, who = user_id,, ", property: " price " });
  assert.deepEqual(document.published, [[], ["plan"], ["who"]]);
  assert.deepEqual(document.source, { event: "signup", where: "seats >= 2", value: "price", dimensions: { who: "user_id" } });
  assert.deepEqual(dimensionsOf("a = a\nb=c=d"), { labels: ["a", "b"], properties: { b: "c=d" } });
  const unique = documentOf({ ...newDraft("events"), kind: "unique", event: "signup", property: "user_id" }).document;
  assert.deepEqual(unique.source, { event: "signup", unique: "user_id" });
});

test("what is no number is said at its field, and nothing typed is no limit", () => {
  const { document, faults } = documentOf({ ...newDraft("kpi"), target: "many", warn: " ", bad: "1e3" });
  assert.deepEqual([document.target, document.warn, document.bad], [null, null, 1000]);
  assert.deepEqual(faults.map((fault) => fault.field), ["target"]);
  assert.deepEqual(documentOf({ ...newDraft("events"), max_series: "1.5" }).faults.map((fault) => fault.field), ["max_series"]);
});

test("faults stand at the field they are about, and the others are kept", () => {
  const places = byPlace([
    { field: "source.where", error: "first", character: 3 },
    { field: "source.where", error: "second" },
    { field: "source.unique", error: "no property" },
    { field: "colour", error: "there is no such field" },
  ]);
  assert.deepEqual([...places].map(([place, fault]) => [place, fault.error]), [["where", "first"], ["property", "no property"], ["", "colour: there is no such field"]]);
});

test("the word that is wrong is marked, counted in code points, and behind the end is the end", () => {
  assert.deepEqual(around("count(reqests) / 2", 6), ["count(", "reqests", ") / 2"]);
  assert.deepEqual(around("😀 + )", 4), ["😀 + ", ")", ""]);
  assert.deepEqual(around("1 +", 3), ["1 +", "", ""]);
  assert.deepEqual(around("1 +", 99), ["1 +", "", ""]);
});

test("two versions differ where they mean something else, not where one leaves out what is so anyway", () => {
  const mine = documentOf(draftOf(KPI)).document;
  assert.deepEqual(differences(mine, { ...mine, shares: [], version: 4, source: null, published: [[]] }), []);
  const differ = differences(mine, { name: "good answers", kind: "derived", unit: "%", expression: "<b>1</b>", watched: true });
  assert.deepEqual(differ.map((one) => [one.title, one.yours, one.theirs]), [
    ["Watched", "no", "yes"], ["Expression", "count(a) / count(b)", "<b>1</b>"], ["Target", "90", "–"], ["Warning from", "80", "–"],
    ["Bad from", "0", "–"], ["Owner", "us", "–"],
  ]);
  const taken = draftOfDefinition({ name: "good answers", kind: "derived", expression: "1", unit: "%" }, KPI, 9);
  assert.deepEqual([taken.revision, taken.expression, taken.target, taken.owner], [9, "1", "", ""]);
  assert.equal(isChanged(taken, taken), false);
  assert.equal(isChanged({ ...taken, revision: 10 }, taken), false);
  assert.equal(isChanged({ ...taken, unit: "1" }, taken), true);
});

test("how a KPI stands follows the direction that is good", () => {
  const up = { direction: "up" as const, target: 90, warn: 80, bad: 70 };
  assert.deepEqual([95, 90, 85, 80, 71, 70, null].map((value) => standing(up, value)), ["good", "good", "", "warn", "warn", "bad", ""]);
  const down = { direction: "down" as const, target: 1, warn: 2, bad: 3 };
  assert.deepEqual([0.5, 1.5, 2, 3].map((value) => standing(down, value)), ["good", "", "warn", "bad"]);
  assert.equal(standing({}, 5), "");
});

test("every number says what it means", () => {
  assert.match(meaning(KPI, "value"), /ratio of sums/);
  assert.match(meaning(SIGNUPS, "p99.9"), /99.9 %.*within 1 %/);
  assert.match(meaning(metric({ shares: [{ name: "hit_rate", dimension: "result", value: "hit" }] }), "hit_rate"), /result is hit/);
});
