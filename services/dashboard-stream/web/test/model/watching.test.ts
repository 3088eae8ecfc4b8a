import assert from "node:assert/strict";
import { test } from "node:test";
import { duration } from "../../src/model/format.ts";
import { incidents } from "../../src/model/incidents.ts";
import { unwatchedReasons, watched } from "../../src/model/watching.ts";
import { anomaly } from "../fixtures.ts";

const NOW = 1_000_000;

test("a metric with series for which there is no room says so, until it says otherwise or says nothing more", () => {
  const about = anomaly({ phase: null, at: NOW - 60_000, key: "state:orders", series: "orders.", metric: "orders", field: "", severity: "info" });
  const told = { ...about, unjudged: "not watched: budget", message: "9 of 10 series of orders are not watched: budget. Why" };
  assert.deepEqual(watched([told], NOW), { ready: [], learning: [], unjudged: [], unwatched: [told.message] });
  assert.deepEqual(watched([told], NOW + 900_000).unwatched, []);
  assert.deepEqual(watched([{ ...about, unjudged: null }], NOW), { ready: [], learning: [], unjudged: [], unwatched: [] });
  assert.deepEqual([...unwatchedReasons([told])], [["orders", told.message]]);
});

test("the series that are not evaluated are listed with the reason, whatever was told of their incidents", () => {
  const state = anomaly({ phase: null, at: 5, key: "s", unjudged: "4 requests in 8 s, 10 needed" });
  const said = { ready: [], learning: [], unjudged: ["Request duration p95: 4 requests in 8 s, 10 needed"], unwatched: [] };
  assert.deepEqual(watched([state, anomaly({ phase: "resolved", at: 9 })], NOW), said);
  assert.deepEqual(watched([state, { ...state, at: 6, unjudged: null }], NOW).ready, ["Request duration p95"]);
});

test("a series that was learnt is no longer learning", () => {
  const state = (at: number, value: "learning" | "ready") => anomaly({ phase: null, at, state: value, key: `${at}` });
  assert.deepEqual(watched([state(2, "ready"), state(1, "learning")], NOW), { ready: ["Request duration p95"], learning: [], unjudged: [], unwatched: [] });
  const [half] = watched([{ ...state(1, "learning"), confidence: 0.5 }], NOW).learning;
  assert.equal(half, "Request duration p95, 50 %");
});
