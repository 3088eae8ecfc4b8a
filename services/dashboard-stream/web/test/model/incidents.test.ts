import assert from "node:assert/strict";
import { test } from "node:test";
import { silence } from "../../src/model/health.ts";
import { concerns, incidents, isOpen, together } from "../../src/model/incidents.ts";
import { anomaly } from "../fixtures.ts";

test("an incident stands while it is told again, and its end or silence closes it", () => {
  const [open] = incidents([anomaly({ since: 900_000 })], 1_030_000);
  assert.deepEqual([open?.open, open?.since], [true, 900_000]);
  assert.equal(incidents([anomaly()], 1_000_000 + 200_000)[0]?.open, false);
  assert.equal(incidents([anomaly({ phase: "resolved" })], 1_000_000)[0]?.open, false);
  assert.equal(incidents([anomaly({ phase: null })], 1_000_000).length, 0);
});

test("latency is one thing, and requests are another than their errors", () => {
  const [slow] = incidents([anomaly({ field: "avg" })], 1_000_000);
  assert.ok(slow && concerns(slow, "request_duration_ms.p95"));
  assert.ok(slow && !concerns(slow, "llm_duration_ms.p95"));
  const [few] = incidents([anomaly({ metric: "requests", field: "rate" })], 1_000_000);
  assert.ok(few && !concerns(few, "requests.error_rate"));
});

test("what begins at about the same time is one incident, which is open until all of it is over", () => {
  const at = (key: string, since: number, fields: object = {}) => anomaly({ key, series: key, since, ...fields });
  const told = [
    at("first", 700_000, { severity: "warning" }),
    at("grave", 760_000),
    at("ended", 800_000, { phase: "resolved" }),
    at("old", 100_000, { phase: "resolved" }),
    at("later", 999_000, { severity: "warning" }),
  ];
  const groups = together(incidents(told, 1_000_000));
  const keys = groups.map((group) => group.map((one) => one.insight.key));
  assert.deepEqual(keys, [["later"], ["grave", "first", "ended"], ["old"]]);
  assert.deepEqual(groups.map(isOpen), [true, true, false]);
  const spread = together(incidents(Array.from({ length: 8 }, (_, i) => at(`a${i}`, 100_000 + i * 100_000)), 1_000_000));
  assert.deepEqual(spread.map((group) => group.length), [4, 4], "a group does not grow for ever");
});
