import assert from "node:assert/strict";
import { test } from "node:test";
import { missing } from "../../src/live/status.ts";
import type { InsightEvent } from "../../src/model/board.ts";
import { beyond, health, MUTE_MS, silence } from "../../src/model/health.ts";
import { incidents, NEWS_MS, standing } from "../../src/model/incidents.ts";
import { anomaly } from "../fixtures.ts";

test("what is adapted to stands for an hour, until it recovers or another level becomes the normal one", () => {
  const watching = { ready: ["a"], learning: [], unjudged: [], unwatched: [] };
  const settled = anomaly({ phase: "resolved", adapted: true, since: 700_000 });
  const word = (told: InsightEvent[], now: number) => health(standing(incidents(told, now), now), watching);
  const { word: said, tone, why } = word([settled], 1_030_000);
  assert.deepEqual([said, tone, why], ["Not recovered", "bad", "1 anomaly taken as the new normal"]);
  assert.equal(word([{ ...settled, severity: "warning" }], 1_030_000).tone, "warn");
  assert.equal(word([settled, anomaly({ key: "o", series: "o", severity: "warning" })], 1_030_000).word, "Degraded");
  assert.equal(word([settled], 1_000_000 + NEWS_MS).word, "Healthy");
  const next = anomaly({ key: "next", phase: "resolved", severity: "info", since: 1_010_000, at: 1_020_000 });
  assert.equal(word([settled, next], 1_030_000).word, "Not recovered", "that one ended where this one stays");
  const moved = word([settled, { ...next, adapted: true, severity: "warning" }], 1_030_000);
  assert.deepEqual([moved.word, moved.tone, moved.why], ["Not recovered", "warn", "1 anomaly taken as the new normal"]);
  assert.equal(word([{ ...settled, adapted: false, severity: "info", at: 1_020_000 }], 1_030_000).word, "Healthy", "it recovered");
});

test("the dashboard in a word follows the gravest open incident", () => {
  const watching = { ready: ["a"], learning: [], unjudged: [], unwatched: [] };
  const open = (severity: "warning" | "critical") => incidents([anomaly({ severity })], 1_000_000);
  assert.equal(health([], watching).word, "Healthy");
  assert.equal(health(open("warning"), watching).word, "Degraded");
  assert.equal(health(open("critical"), watching).word, "Unhealthy");
  assert.equal(health([], { ready: [], learning: ["a"], unjudged: [], unwatched: [] }).word, "Learning");
});

test("what is not evaluated is neither good nor bad", () => {
  const watching = { ready: ["a"], learning: [], unjudged: ["b: 4 requests in 8 s, 10 needed"], unwatched: [] };
  const word = (told: InsightEvent[], now = 1_000_000, page = "live") => health(standing(incidents(told, now), now), watching, page);
  const lacking = anomaly({ phase: "ongoing", unjudged: "no requests in 8 s, 10 needed" });
  assert.deepEqual([word([lacking]).word, word([lacking]).tone], ["Unknown", "quiet"]);
  assert.equal(word([lacking]).why, "1 anomaly: no requests in 8 s, 10 needed");
  assert.equal(word([lacking, anomaly({ key: "o" })]).word, "Unhealthy", "another one is judged");
  assert.equal(word([]).word, "Healthy");
  assert.equal(word([]).why, "no open anomaly; 1 series not evaluated");
  assert.equal(health([], { ready: [], learning: [], unjudged: ["b: few"], unwatched: [] }).word, "Unknown");
  assert.equal(word([anomaly()], 1_000_000 + 200_000).word, "Unknown", "told no further, and never closed");
  const lapsed = anomaly({ phase: "resolved", severity: "info", unjudged: "no requests in 8 s, 10 needed" });
  assert.equal(word([lapsed]).word, "Healthy");
});

test("what is told of the past, or known of it only, makes nothing unhealthy", () => {
  const watching = { ready: ["a"], learning: [], unjudged: [], unwatched: [] };
  const word = (told: InsightEvent[], page: string) => health(standing(incidents(told, 1_000_000), 1_000_000), watching, page).word;
  assert.equal(word([anomaly({ catching_up: true })], "live"), "Catching up");
  assert.equal(word([anomaly()], "catching up"), "Catching up");
  assert.equal(word([anomaly()], "stale"), "Unknown");
  assert.equal(word([anomaly()], "live"), "Unhealthy");
  assert.equal(word([anomaly()], "incomplete"), "Unhealthy");
  assert.equal(word([], "incomplete"), "Unknown", "what is missing may be what is wrong");
});

test("nothing is healthy while the predictor is silent", () => {
  const watching = { ready: ["a"], learning: [], unjudged: [], unwatched: [] };
  const forecast = (horizon_ms: number, at: number) => anomaly({ kind: "forecast", phase: null, horizon_ms, at, key: `${horizon_ms}` });
  const told = [forecast(900_000, 1_000_000), forecast(86_400_000, 9_000_000)];
  assert.equal(silence(told, 1_030_000), 30_000);
  assert.equal(silence([anomaly()], 9_000_000), 0, "nothing is known of who never made a forecast");
  assert.equal(health([], watching, "live", silence(told, 1_030_000)).word, "Healthy");
  const said = health([], watching, "live", silence(told, 1_000_000 + MUTE_MS));
  assert.deepEqual([said.word, said.tone, said.why], ["Unknown", "quiet", "no update from the predictor for 5 min"]);
});

test("what nobody would call healthy is not, however usual it is, unless too little was seen to say so", () => {
  const watching = { ready: ["a"], learning: [], unjudged: [], unwatched: [] };
  const of = (values: Record<string, number>) => health([], watching, "live", 0, { limits: beyond((name) => values[name] ?? null, () => 60) });
  assert.equal(of({ "requests.rate": 5, "request_duration_ms.p95": 900, "requests.error_rate": 0.01 }).word, "Healthy");
  const slow = of({ "requests.rate": 5, "request_duration_ms.p95": 34_000 });
  assert.deepEqual([slow.word, slow.why], ["Unhealthy", "request latency p95 34.0 s, limit 30.0 s"]);
  assert.deepEqual(of({ "requests.rate": 5, "requests.error_rate": 0.08 }).word, "Degraded");
  assert.equal(of({ "requests.rate": 0.1, "requests.error_rate": 0.5 }).word, "Healthy", "3 of 6 requests");
});

test("anomalies that begin together are counted as one incident", () => {
  const watching = { ready: ["a"], learning: [], unjudged: [], unwatched: [] };
  const open = incidents([anomaly(), anomaly({ key: "b", series: "b" }), anomaly({ key: "c", series: "c", since: 100_000 })], 1_000_000);
  assert.equal(health(open, watching).why, "2 open incidents");
});
