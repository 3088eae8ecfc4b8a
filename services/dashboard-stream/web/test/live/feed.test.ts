import assert from "node:assert/strict";
import { test } from "node:test";
import { meaning, pause } from "../../src/live/feed.ts";

test("a page comes again after a restart, but not to what does not exist or without a key", () => {
  assert.deepEqual([1006, 1012, 4408, 4429, 4404, 4401, 4403].map((code) => meaning(code).final), [false, false, false, false, true, true, true]);
  assert.deepEqual([meaning(4401).key, meaning(4404).key], [true, false]);
});

test("pauses grow to a bound and are spread", () => {
  assert.deepEqual([pause(0, 0), pause(0, 0.999) < 750, pause(3, 0.5), pause(30, 0.5)], [250, true, 4_000, 15_000]);
});
