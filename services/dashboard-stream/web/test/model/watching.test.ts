import assert from "node:assert/strict";
import { test } from "node:test";
import { duration } from "../../src/model/format.ts";
import { incidents } from "../../src/model/incidents.ts";
import { watched } from "../../src/model/watching.ts";
import { anomaly } from "../fixtures.ts";

test("the series that are not evaluated are listed with the reason, whatever was told of their incidents", () => {
  const state = anomaly({ phase: null, at: 5, key: "s", unjudged: "4 requests in 8 s, 10 needed" });
  const said = { ready: [], learning: [], unjudged: ["Request duration p95: 4 requests in 8 s, 10 needed"] };
  assert.deepEqual(watched([state, anomaly({ phase: "resolved", at: 9 })]), said);
  assert.deepEqual(watched([state, { ...state, at: 6, unjudged: null }]).ready, ["Request duration p95"]);
});

test("a series that was learnt is no longer learning", () => {
  const state = (at: number, value: "learning" | "ready") => anomaly({ phase: null, at, state: value, key: `${at}` });
  assert.deepEqual(watched([state(2, "ready"), state(1, "learning")]), { ready: ["Request duration p95"], learning: [], unjudged: [] });
  const [half] = watched([{ ...state(1, "learning"), confidence: 0.5 }]).learning;
  assert.equal(half, "Request duration p95, 50 %");
});
