import assert from "node:assert/strict";
import { test } from "node:test";
import { withKiosk, withoutKiosk } from "../../src/model/kiosk.ts";
import { LEAST_MS, MOST_MS, nextOf, rotationOf } from "../../src/model/rotation.ts";

const every = (query: string) => rotationOf(query)?.everyMs ?? null;

test("an address says how long each dashboard is shown, within bounds", () => {
  assert.deepEqual(["30s", "45", "2m", "1h"].map((time) => every(`?kiosk&rotate=${time}`)), [30_000, 45_000, 120_000, 3_600_000]);
  assert.equal(every("?kiosk&rotate=0s"), LEAST_MS);
  assert.equal(every("?kiosk&rotate=999999h"), MOST_MS);
  assert.deepEqual(["?rotate=30s", "?kiosk", "?kiosk&rotate=soon", "?kiosk=0&rotate=30s"].map(every), [null, null, null, null]);
});

test("dashboards follow each other in the order that is said, those that are gone left out", () => {
  const of = (dashboards: string[]) => ({ everyMs: 30_000, dashboards });
  const there = ["a", "b", "c"];
  assert.equal(nextOf(of(["c", "gone", "a"]), there, [], "c"), "a");
  assert.equal(nextOf(of(["c", "a"]), there, [], "a"), "c");
  assert.equal(nextOf(of(["c", "a"]), there, [], "c", -1), "a");
  assert.equal(nextOf(of(["c", "a"]), there, [], "b"), "c");
  assert.equal(nextOf(of(["c", "a"]), there, [], "b", -1), "a");
  assert.equal(nextOf(of([]), there, ["a", "b"], "b"), "a");
  assert.equal(nextOf(of(["a"]), there, [], "a"), null);
  assert.equal(nextOf(of(["gone"]), there, [], "a"), null);
  assert.deepEqual(rotationOf("?kiosk&rotate=30s&dashboards=a,%20b,,a")?.dashboards, ["a", "b"]);
});

test("the next dashboard rotates as the one before, until the kiosk is left", () => {
  const query = "?kiosk=1&rotate=30s&dashboards=a%2Cb";
  assert.equal(withKiosk("/d/b", query), `/d/b${query}`);
  assert.equal(withKiosk("/d/b?kiosk=1&rotate=1m", query), "/d/b?kiosk=1&rotate=1m");
  assert.equal(withoutKiosk(`/d/b${query}`), "/d/b");
});
