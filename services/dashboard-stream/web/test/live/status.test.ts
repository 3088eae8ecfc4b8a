import assert from "node:assert/strict";
import { test } from "node:test";
import { missing, status } from "../../src/live/status.ts";
import { board, GOOD } from "../fixtures.ts";

test("the state of the connection is a word, and says why where it is not live", () => {
  const open = { state: "open" } as const;
  const word = (values: Record<string, number | null>, heard = 100) => status(open, board(values), heard, 0).word;
  assert.equal(word(GOOD), "live");
  assert.equal(word(GOOD, 6_000), "stale");
  assert.equal(word({ ...GOOD, freshness_ms: 60_000 }), "stale");
  assert.equal(word({ ...GOOD, freshness_ms: null }), "waiting");
  assert.equal(word({ ...GOOD, "stream.bus_connected": 0 }), "stale");
  assert.equal(word({ ...GOOD, "stream.history_ready": 0 }), "catching up");
  const waiting = status({ state: "waiting", tries: 2, until: 3_000, why: "The service is restarting." }, board(GOOD), 0, 1_000);
  assert.deepEqual([waiting.word, waiting.why], ["reconnecting", "The service is restarting. Trying again in 2 s."]);
});

test("what is missing is told, and nothing where nothing is", () => {
  assert.deepEqual(missing(board({ ...GOOD, "stream.refused_series": 0 })), []);
  assert.deepEqual(missing(board({ ...GOOD, "stream.refused_series": 3 })), ["3 series beyond the limit"]);
});

test("what the numbers miss is said in words, before anything about their age", () => {
  const made = board(GOOD);
  assert.equal(status({ state: "open" }, made, 0, 0).word, "live");
  made.problems = ["analytics does not read EVENTS: its consumer is paused", "INSIGHTS cannot be read"];
  const said = status({ state: "open" }, made, 0, 0);
  assert.equal(said.word, "incomplete");
  assert.equal(said.tone, "warn");
  assert.equal(said.why, "These numbers are not complete: analytics does not read EVENTS: its consumer is paused; INSIGHTS cannot be read.");
});
