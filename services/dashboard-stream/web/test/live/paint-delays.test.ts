/** How long numbers take to the screen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PaintDelays } from "../../src/live/paint-delays.ts";
import type { Frame } from "../../src/model/contracts.ts";

function frame(ts: number, freshness: number | null, type: "snapshot" | "update" = "update"): Frame {
  return { type, dashboard: "d", epoch: "e", seq: 1, ts, data: { values: { freshness_ms: freshness }, series: {}, events: [] } } as unknown as Frame;
}

test("a delay is the age of the numbers in the frame and the time until they were painted", () => {
  const delays = new PaintDelays();
  for (let n = 1; n <= 40; n += 1) {
    delays.came(frame(n * 1000, 100), n * 1000 + 7);
    delays.painted(delays.take(), n * 1000 + 7 + (n === 40 ? 900 : 50));
  }
  assert.deepEqual(delays.delays(), { p50: 150, p99: 1000, count: 40 });
});

test("only newer numbers count: no snapshot, no frame that merely follows the clock, none without numbers", () => {
  const delays = new PaintDelays();
  delays.came(frame(1000, 100, "snapshot"), 0);
  delays.came(frame(1500, 600), 1);
  delays.came(frame(1600, null), 2);
  assert.deepEqual(delays.take(), []);
  delays.came(frame(2000, 10), 3);
  assert.deepEqual(delays.take(), [{ ageMs: 10, heard: 3 }]);
});

test("it says nothing of a few, and what was not painted for long is bounded", () => {
  const delays = new PaintDelays();
  for (let n = 1; n <= 1000; n += 1) delays.came(frame(n * 1000, 10), n);
  assert.equal(delays.delays(), null);
  assert.equal(delays.take().length, 50);
});
