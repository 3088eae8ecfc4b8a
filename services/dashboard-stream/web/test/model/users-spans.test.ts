import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutlineAnswer } from "../../src/model/contracts.ts";
import { isHiddenSpan, withoutOwnSpans } from "../../src/model/users-spans.ts";

const SERVICES = ["shop", "drishti--gateway", "drishti--analytics"];

/** `spans`: depth and the place of the service. */
function outline(spans: [number, number][]): OutlineAnswer {
  const count = spans.map((_, place) => place);
  return {
    trace_id: "a".repeat(32),
    root: "s0",
    start_ms: 0,
    duration_ms: 100,
    services: SERVICES,
    names: ["n"],
    span_ids: count.map((place) => `s${place}`),
    depths: spans.map(([depth]) => depth),
    of_service: spans.map(([, service]) => service),
    of_name: count.map(() => 0),
    starts_ms: count.map((place) => place * 10),
    durations_ms: count.map(() => 10),
    self_ms: count,
    failed: count.map((place) => ({ place })),
    critical_path: { places: count, from_ms: count, to_ms: count, waiting: count.map(() => 0) },
    missing_parent: [0],
  };
}

test("spans of Drishti's own services are left out, with all that is said of them", () => {
  const all = outline([[0, 0], [1, 1], [2, 2], [1, 0], [2, 2], [0, 2]]);
  const users = withoutOwnSpans(all);
  assert.deepEqual(users.span_ids, ["s0", "s3"]);
  assert.deepEqual(users.depths, [0, 1]);
  assert.deepEqual(users.starts_ms, [0, 30]);
  assert.deepEqual(users.failed.map((one) => one.place), [0, 1]);
  assert.deepEqual(users.critical_path, { places: [0, 1], from_ms: [0, 3], to_ms: [0, 3], waiting: [0, 0] });
  assert.deepEqual(users.missing_parent, [0]);
  assert.ok(isHiddenSpan(users, all, "s5") && !isHiddenSpan(users, all, "s3") && !isHiddenSpan(users, all, "none"));
});

test("what a user's span is below stays, and so does a trace of Drishti alone", () => {
  const through = withoutOwnSpans(outline([[0, 1], [1, 1], [1, 2], [2, 1], [3, 0], [1, 2]]));
  assert.deepEqual(through.span_ids, ["s0", "s2", "s3", "s4"]);
  assert.deepEqual(through.depths, [0, 1, 2, 3]);
  const alone = outline([[0, 1], [1, 2]]);
  assert.equal(withoutOwnSpans(alone), alone);
  const none = outline([[0, 0], [1, 0]]);
  assert.equal(withoutOwnSpans(none), none);
});
