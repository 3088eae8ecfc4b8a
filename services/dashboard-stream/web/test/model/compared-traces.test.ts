import assert from "node:assert/strict";
import { test } from "node:test";
import { compareLink, differences, pairOf } from "../../src/model/compared-traces.ts";
import type { PathStep, PathTimes } from "../../src/model/contracts.ts";

function times(path_ms: number): PathTimes {
  return { traces: 1, calls_each: 1, errors: 0, total_ms: path_ms, mean_ms: path_ms, path_ms, share: 0 };
}

function step(operation: string, left: number | null, right: number | null): PathStep {
  return { depth: 0, service: "s", operation, kind: "server", ...(left === null ? {} : { times: times(left) }), ...(right === null ? {} : { right: times(right) }) };
}

test("what made a trace longer comes first, what is missing counts, and crumbs do not", () => {
  const steps = [step("same", 50, 50.5), step("slower", 10, 400), step("gone", 60, null), step("new", null, 30)];
  const found = differences({ steps, left_ms: 120, right_ms: 480 });
  assert.deepEqual(found.map((one) => [one.step.operation, one.change]), [["slower", 390], ["gone", -60], ["new", 30]]);
});

test("the address names both traces", () => {
  const pair = { left: "a".repeat(32), right: "b".repeat(32) };
  assert.deepEqual(pairOf(compareLink(pair).split("?")[1] ?? ""), pair);
  assert.deepEqual(pairOf("?left=%20ABC%20"), { left: "abc", right: "" });
});
