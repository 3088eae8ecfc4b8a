import assert from "node:assert/strict";
import { test } from "node:test";
import { Units } from "../../src/model/catalogue.ts";
import { csvOf } from "../../src/model/data-table.ts";
import { concerned, groupsOf, rowsOf } from "../../src/model/insight-panels.ts";
import { anomaly, DASHBOARD } from "../fixtures.ts";

const NOW = 2_000_000;
const latency = anomaly({ key: "a", insight_id: "a", at: NOW - 1_000, since: NOW - 60_000, severity: "critical" });
const errors = anomaly({ key: "b", insight_id: "b", at: NOW - 1_000, since: NOW - 50_000, severity: "warning", metric: "requests", field: "error_rate", series: "requests.error_rate" });
const over = anomaly({ key: "c", insight_id: "c", at: NOW - 900_000, since: NOW - 950_000, severity: "info", phase: "resolved", gravest: "info", metric: "orders", series: "orders.rate" });
const note = { ...latency, kind: "recommendation" as const, key: "n", series: "" };
const ALL = [latency, errors, over];

test("a panel is about the metrics that it names, those of the dashboard, or any", () => {
  const keys = (panel: object) => concerned({ kind: "events", title: "t", ...panel }, ALL, ["requests"]).map((one) => one.key);
  assert.deepEqual(keys({}), ["b"]);
  assert.deepEqual(keys({ metrics: ["orders"] }), ["c"]);
  assert.deepEqual(keys({ all_metrics: true }), ["a", "b", "c"]);
});

test("events come one by one, the newest first, from a severity on; incidents together", () => {
  const panel = { title: "t", all_metrics: true };
  const keys = (groups: { insight: { key: string } }[][]) => groups.map((group) => group.map((one) => one.insight.key));
  assert.deepEqual(keys(groupsOf({ kind: "events", ...panel }, [...ALL, note as never], [], NOW)), [["b"], ["a"], ["c"]]);
  assert.deepEqual(keys(groupsOf({ kind: "events", severity: "critical", ...panel }, ALL, [], NOW)), [["a"]]);
  assert.deepEqual(keys(groupsOf({ kind: "incidents", ...panel }, ALL, [], NOW)), [["a", "b"], ["c"]]);
});

test("as rows they say since when, how grave, and what", () => {
  const { rows } = rowsOf(groupsOf({ kind: "events", title: "t", all_metrics: true }, ALL, [], NOW), new Units(DASHBOARD));
  assert.deepEqual(rows.map((row) => row.slice(0, 4)), [
    [NOW - 50_000, null, "open", "warning"],
    [NOW - 60_000, null, "open", "critical"],
    [NOW - 950_000, NOW - 900_000, "resolved", "info"],
  ]);
  assert.match(csvOf(rowsOf(groupsOf({ kind: "events", title: "t", all_metrics: true }, [latency], [], NOW), new Units(DASHBOARD))), /^Since,Until,State,Severity,What,Found\r\n1970/);
});
