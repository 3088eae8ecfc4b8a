import assert from "node:assert/strict";
import { test } from "node:test";
import { incidentGroups, servicesOf } from "../../src/model/incident-history.ts";
import { anomaly } from "../fixtures.ts";

const ANY = { status: "", severity: "", service: "", text: "", own: "" };

function version(key: string, at: number, fields: object = {}) {
  return anomaly({ key, series: key, at, since: at, ...fields });
}

test("incidents are found by state, severity, service and words, and groups are shown whole", () => {
  const insights = [
    version("open", 1_000_000, { labels: { service: "kitchen" }, severity: "warning" }),
    version("beside", 1_001_000, { labels: { service: "shop" }, severity: "critical" }),
    version("over", 100_000, { labels: { service: "shop" }, phase: "resolved", severity: "info", gravest: "warning" }),
  ];
  const keys = (conditions: object) => incidentGroups(insights, 1_010_000, { ...ANY, ...conditions }).map((group) => group.map((one) => one.insight.key).sort());
  assert.deepEqual(keys({}), [["beside", "open"], ["over"]]);
  assert.deepEqual(keys({ status: "open" }), [["beside", "open"]]);
  assert.deepEqual(keys({ status: "resolved" }), [["over"]]);
  assert.deepEqual(keys({ severity: "critical" }), [["beside", "open"]]);
  assert.deepEqual(keys({ service: "kitchen" }), [["beside", "open"]]);
  assert.deepEqual(keys({ text: "shop LATENCY nothing" }), []);
  assert.deepEqual(keys({ text: "kitchen" }), [["beside", "open"]]);
  assert.deepEqual(servicesOf(insights, false), ["kitchen", "shop"]);
});

test("incidents of Drishti's own services are there where somebody asks for them, and those of a user's gateway always", () => {
  const insights = [
    version("theirs", 1_000_000, { labels: { service: "gateway" } }),
    version("total", 1_000_000),
    version("own", 1_001_000, { labels: { service: "drishti--gateway" } }),
  ];
  const keys = (conditions: object) => incidentGroups(insights, 1_010_000, { ...ANY, ...conditions }).flatMap((group) => group.map((one) => one.insight.key)).sort();
  assert.deepEqual(keys({}), ["theirs", "total"]);
  assert.deepEqual(keys({ own: "1" }), ["own", "theirs", "total"]);
  assert.ok(keys({ service: "drishti--gateway" }).includes("own"));
  assert.deepEqual(servicesOf(insights, false), ["gateway"]);
  assert.deepEqual(servicesOf(insights, true), ["drishti--gateway", "gateway"]);
});
