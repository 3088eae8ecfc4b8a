import assert from "node:assert/strict";
import { test } from "node:test";
import { errorSearch, hasSeveral, traceSearch } from "../../src/model/searches.ts";

test("of several services, operations and texts any may be met, and of a list of conditions", () => {
  const panel = { kind: "traces", title: "t", services: ["a", "b"], operation: "GET /", texts: ["x"], attributes: ["k=1", '["k=1","k=2"]', "[no list"] } as const;
  const asked = traceSearch({ ...panel, services: [...panel.services], texts: [...panel.texts], attributes: [...panel.attributes] }, 1, 2);
  assert.deepEqual([asked.getAll("services"), asked.get("service"), asked.get("operation"), asked.get("text")], [["a", "b"], null, "GET /", "x"]);
  assert.deepEqual([asked.getAll("attribute"), asked.getAll("any_attribute")], [["k=1", "[no list"], ['["k=1","k=2"]']]);
  const errors = errorSearch({ kind: "errors", title: "t", service: "a", services: ["b"], status: "any" }, 1, 2);
  assert.equal(String(errors), "from=1&to=2&services=a&services=b");
});

test("the page of a search has one text of each condition", () => {
  assert.deepEqual([{ service: "a", texts: ["x"] }, { services: ["a"], service: "b" }, { attributes: ['["k=1"]'] }].map(hasSeveral), [false, true, true]);
});
