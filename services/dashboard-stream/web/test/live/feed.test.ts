import assert from "node:assert/strict";
import { test } from "node:test";
import { meaning, pause, since } from "../../src/live/feed.ts";

test("a page comes again after a restart, but not to what does not exist or without a key", () => {
  assert.deepEqual([1006, 1012, 4408, 4429, 4404, 4401, 4403].map((code) => meaning(code).final), [false, false, false, false, true, true, true]);
  assert.deepEqual([meaning(4401).key, meaning(4404).key], [true, false]);
});

test("a page comes soon after a restart, later after a long outage, and not with all others at once", () => {
  assert.deepEqual([pause(0, 0), pause(0, 0.999) < 750, pause(3, 0.5), pause(20, 0.5), pause(22, 0.5), pause(60, 0.5)], [250, true, 1_500, 1_500, 6_000, 15_000]);
  for (let tries = 0; tries <= 20; tries += 1) assert.ok(pause(tries, 0.999) < 2_500);
});

test("a page that has a frame says which", () => {
  assert.deepEqual([since("", -1), since("e7f3.1", 42)], ["", "?since=e7f3.1%3A42"]);
});
