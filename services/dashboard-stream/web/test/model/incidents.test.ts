import assert from "node:assert/strict";
import { test } from "node:test";
import { silence } from "../../src/model/health.ts";
import { concerns, incidents } from "../../src/model/incidents.ts";
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
