import assert from "node:assert/strict";
import { test } from "node:test";
import { askWith, type Key, ordered, otelEnvironment, stops } from "../../src/model/keys.ts";
import { bytesInWords, isNearlyFull, keptInWords, limitInWords } from "../../src/model/setup.ts";

const KEY: Key = {
  id: "a",
  name: "one",
  tenant: "default",
  role: "producer",
  state: "active",
  created_at: "2026-01-01T00:00:00Z",
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
  made_by: null,
  revoked_by: null,
  own: false,
};

test("active keys come first, the newest of them at the top", () => {
  const keys = [KEY, { ...KEY, id: "b", state: "revoked" as const, created_at: "2026-03-01T00:00:00Z" }, { ...KEY, id: "c", created_at: "2026-02-01T00:00:00Z" }];
  assert.deepEqual(
    ordered(keys).map(({ id }) => id),
    ["c", "a", "b"],
  );
});

test("what stops with a key depends on its role, and on whose it is", () => {
  assert.match(stops(KEY), /sends data with it is refused/);
  assert.match(stops(KEY), /not seen it used/);
  assert.match(stops({ ...KEY, role: "viewer", last_used_at: "2026-01-01T00:00:00Z" }), /live connections are closed within seconds\.$/);
  assert.match(stops({ ...KEY, role: "admin", own: true }), /the key of this browser/);
});

test("examples hold no key but its variable", () => {
  for (const text of [otelEnvironment("http://localhost:8000"), askWith("http://localhost:8000")]) {
    assert.match(text, /\$DRISHTI_API_KEY/);
    assert.match(text, /http:\/\/localhost:8000/);
  }
});

test("limits and times are written in words", () => {
  assert.equal(keptInWords(86_400), "24 hours");
  assert.equal(keptInWords(30 * 86_400), "30 days");
  assert.equal(keptInWords(3_600), "1 hour");
  assert.equal(bytesInWords(4096 * 1024 * 1024), "4 GiB");
  assert.equal(limitInWords({ what: "Dashboards", most: 200, used: 12 }), "12 of 200");
  assert.equal(limitInWords({ what: "Events per second", most: 0 }), "any number");
  assert.equal(limitInWords({ what: "Bytes of one request", most: 1_048_576 }), "1 MiB");
  assert.equal(isNearlyFull({ what: "Dashboards", most: 200, used: 180 }), true);
  assert.equal(isNearlyFull({ what: "Dashboards", most: 0, used: 180 }), false);
});
