import assert from "node:assert/strict";
import { test } from "node:test";
import { asFields, conditionsInWords, conditionsOf, conditionsText, filtersOf, singleValues } from "../../src/model/conditions.ts";
import { metricLink } from "../../src/model/metric-choice.ts";
import { parse } from "../../src/model/names.ts";
import { askedLines, readingOf } from "../../src/model/panels.ts";

const SEVERAL = { only: { service: ["web", "agni"] }, without: { status: "500" } };

test("a reading is named as the service names it", () => {
  assert.equal(conditionsText({}), "");
  assert.equal(conditionsText(SEVERAL), "[service=agni,web;status!=500]");
  assert.equal(readingOf({ metric: "requests", field: "rate", only: { service: "a,b" } }), "requests.rate[service=a%2Cb]");
  assert.equal(conditionsText({ only: { a: ["\u{10000}", "\uffff", "x"] } }), `[a=x,${encodeURIComponent("\uffff")},${encodeURIComponent("\u{10000}")}]`);
  assert.equal(conditionsText({ only: { a: "\ud800" } }), `[a=${encodeURIComponent("\ufffd")}]`, "half a character is none");
});

test("whatever a value holds, the labels behind it are found", () => {
  const reading = readingOf({ metric: "requests", field: "rate", only: { service: "{x=}[" } });
  assert.deepEqual(parse(`${reading}{route=/a}`), { reading, label: "route", value: "/a" });
});

test("stored numbers are asked for the same", () => {
  assert.deepEqual(filtersOf({ only: { a: "1", b: ["2", "3"], c: [] }, without: { d: ["4", "5"] } }), [
    { label: "a", op: "=", value: "1" },
    { label: "b", op: "in", values: ["2", "3"] },
    { label: "d", op: "!=", value: "4" },
    { label: "d", op: "!=", value: "5" },
  ]);
});

test("what a form changes is written as short as it can be", () => {
  assert.deepEqual(asFields(conditionsOf(SEVERAL)), { only: { service: ["web", "agni"] }, without: { status: "500" } });
  assert.deepEqual(asFields([]), { only: undefined, without: undefined });
});

test("a line without a name is called by its values, and leads to the metric of them", () => {
  assert.equal(conditionsInWords(SEVERAL), "web or agni, not 500");
  assert.equal(conditionsInWords({ only: { a: ["1", "2", "3", "4", "5"] } }), "1 or 2 or 3 or 2 more");
  const line = { metric: "requests", field: "rate", only: { service: "web" } };
  assert.deepEqual(askedLines({ kind: "time_series", title: "", lines: [line] }), [{ reading: "requests.rate[service=web]", name: "web" }]);
  assert.deepEqual(singleValues(SEVERAL), {});
  assert.match(metricLink(line), /where=service%3Aweb/);
});
