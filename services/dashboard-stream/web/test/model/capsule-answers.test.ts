import assert from "node:assert/strict";
import { test } from "node:test";
import { answerSize } from "../../src/model/capsule-answers.ts";

const COHORTS = { cohorts: [{ from: 1, to: 2, size: 4, users: [4, 1], shares: [1, 0.25], complete: 1 }], total: { sizes: [4, 0], users: [4, 0], shares: [1, null] } };
const RETENTION = { from: 1, to: 2, as_of: 3, kept_from: 0, interval: "week", sampled: 1, columns: [{ first: 0, last: 0 }], ...COHORTS };
const JOURNEYS = {
  ...{ from: 1, to: 2, as_of: 3, sampled: 1, paths: 2, users: 2 },
  nodes: [{ step: 0, name: "a", count: 2 }, { step: 1, name: "other", count: 1, other: true }],
  edges: [{ source: 0, target: 1, count: 1, users: 1, median_ms: 5, latency_ms: null, error_rate: 0 }],
  top_paths: [{ steps: ["a"], count: 1 }],
};

test("answers about what users do are taken from a capsule as the service gives them", () => {
  assert.equal(answerSize({ kind: "retention" }, RETENTION), 0);
  assert.equal(answerSize({ kind: "retention" }, { ...RETENTION, groups: [{ value: null, size: 4, ...COHORTS }, { value: "other", size: 4, other: true, ...COHORTS }] }), 0);
  assert.equal(answerSize({ kind: "journeys" }, JOURNEYS), 0);
});

test("answers that a panel could not draw are none", () => {
  for (const wrong of [{ ...RETENTION, cohorts: [{ from: 1, size: 4, users: ["4"], complete: 1 }] }, { ...RETENTION, columns: 2 }, { ...RETENTION, groups: [{ value: "x", size: 4 }] }, { ...RETENTION, groups: {} }]) {
    assert.equal(answerSize({ kind: "retention" }, wrong), null);
  }
  for (const wrong of [{ ...JOURNEYS, nodes: [{ step: "0", name: "a", count: 2 }] }, { ...JOURNEYS, edges: [{ source: 0 }] }, { ...JOURNEYS, nodes: null }]) {
    assert.equal(answerSize({ kind: "journeys" }, wrong), null);
  }
});
