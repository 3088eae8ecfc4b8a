import assert from "node:assert/strict";
import { test } from "node:test";
import type { InsightEvent, NoteEvent } from "../../src/model/board.ts";
import { Units } from "../../src/model/catalogue.ts";
import { finding, noteTitle, span } from "../../src/model/finding.ts";
import { duration, time } from "../../src/model/format.ts";
import { incidents } from "../../src/model/incidents.ts";
import { anomaly, DASHBOARD } from "../fixtures.ts";

test("an anomaly is told with what, how far and since when", () => {
  const units = new Units({ ...DASHBOARD, values: [{ ...DASHBOARD.values[0]!, name: "request_duration_ms.p95", metric: "request_duration_ms", field: "p95", unit: "ms" }] });
  const told = anomaly({ value: 1901, expected: 400, lower: 200, upper: 600 });
  assert.equal(finding(told, units), "1.9 s, expected 200 ms to 600 ms: 4.8 times as much");
  assert.equal(finding({ ...told, value: 100, expected: 400 }, units), "100 ms, expected 200 ms to 600 ms: a quarter as much");
  assert.equal(finding({ ...told, phase: "resolved", value: 300 }, units), "back at 300 ms, expected 200 ms to 600 ms");
  assert.equal(finding(anomaly({ message: "as the model says it" }), units), "as the model says it");
});

test("what is adapted to stays where it is, and is over without having recovered", () => {
  const units = new Units({ ...DASHBOARD, values: [{ ...DASHBOARD.values[0]!, name: "requests.error_rate", field: "error_rate", unit: "share" }] });
  const settled = anomaly({ metric: "requests", field: "error_rate", series: "requests.error_rate", phase: "resolved", adapted: true, since: 700_000, value: 0.79, expected: 0.01, lower: 0, upper: 0.04 });
  assert.equal(finding(settled, units), "stays at 79.0 %, expected 0 % to 4.0 % before: the new normal");
  assert.equal(finding(settled, units, false), "stayed at 79.0 %, expected 0 % to 4.0 % before: the new normal");
  assert.equal(finding({ ...settled, lower: null, upper: null }, units), "stays at 79.0 %, expected 1.0 % before: the new normal");
  assert.equal(finding({ ...settled, value: null, message: "stays silent" }, units), "stays silent");
  const [one] = incidents([settled], 1_030_000);
  assert.deepEqual([one?.open, one?.stays, one?.severity, one?.until], [false, true, "critical", 1_000_000]);
  assert.equal(one && span(one, 1_030_000), `since ${time(700_000)}, the new normal from ${time(1_000_000)} on`);
});

test("an alarm says the value, the band and the window that decided, and counts what is rare", () => {
  const entry = { ...DASHBOARD.values[0]!, name: "requests.error_rate", field: "error_rate", unit: "share" };
  const duration = { ...entry, name: "request_duration_ms.avg", metric: "request_duration_ms", field: "avg", unit: "ms" };
  const units = new Units({ ...DASHBOARD, values: [entry, duration] });
  const told = (fields: Partial<InsightEvent>) => finding(anomaly(fields), units);
  const errors = { metric: "requests", field: "error_rate", value: 0.4375, expected: 0.01, lower: 0, upper: 0.12, window_ms: 8_000, observations: 16 };
  assert.equal(told(errors), "43.8 % (7 of 16) over 8 s, expected 0 % to 12.0 %");
  const rate = { metric: "requests", field: "rate", value: 0.375, expected: 5, lower: 2, upper: 10, window_ms: 8_000 };
  assert.equal(told(rate), "0.38/s (3) over 8 s, expected 2.0/s to 10.0/s: 1/13 as much");
  assert.equal(told({ ...rate, value: 3.88 }), "3.88/s (31) over 8 s, expected 2.0/s to 10.0/s", "as expected is no times as much");
  assert.equal(told({ ...rate, statistic: "gap", value: 0, lower: 1 / 15, window_ms: 17_000 }), "no events for 17 s, expected at least one every 15 s");
  const slow = { metric: "request_duration_ms", field: "avg", statistic: "likelihood", unit: "", value: 14.2, expected: 0, lower: -4, upper: 6.1, observed: 4580, usual: 880, window_ms: 8_000 } as const;
  assert.equal(told(slow), "4.58 s on average over 8 s, usually 880 ms: slower than its last minutes explain (score 14.2, normal up to 6.1)");
  const lacking = { ...errors, phase: "ongoing", unjudged: "no requests in 8 s, 10 needed", judged_at: 900_000 } as const;
  assert.equal(told(lacking), `not evaluated: no requests in 8 s, 10 needed; last evaluated at ${time(900_000)}: 43.8 % (7 of 16) over 8 s, expected 0 % to 12.0 %`);
  assert.equal(told({ ...lacking, phase: "resolved", value: null }), "no longer evaluated, no requests in 8 s, 10 needed: whether it recovered is unknown");
});

test("a change is called what it is, as in charts and on the first page", () => {
  const change = { insight_id: "c", tenant: "t", kind: "change", change: "deployment", version: "2", services: ["shop"], at: 0, message: "", key: "c" } as unknown as NoteEvent;
  assert.equal(noteTitle(change), "Deployment · shop");
  assert.equal(noteTitle({ ...change, change: null } as NoteEvent), "Change · shop");
  assert.equal(noteTitle({ ...change, kind: "incident" } as NoteEvent), "Incident · shop");
});
