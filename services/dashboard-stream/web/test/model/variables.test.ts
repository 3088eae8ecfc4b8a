import assert from "node:assert/strict";
import { test } from "node:test";
import { choiceOf, fromTheStart, type Variable, variableTitle, withChoice } from "../../src/model/variables.ts";

const MODEL: Variable = { name: "model", metric: "llm_requests", dimension: "model", default: ["a"] };
const SERVICES: Variable = { name: "of_service", title: "", metric: "requests", dimension: "service", several: true };
const BOTH = [MODEL, SERVICES];

test("equal choices are said alike, and what is of no variable is left out", () => {
  assert.equal(choiceOf("?from=now-1h&var-of_service=b&var-of_service=a&var-of_service=b&var-model=x&var-model=y&var-other=1", BOTH), "?var-model=x&var-of_service=a&var-of_service=b");
  assert.equal(choiceOf("?var-other=1&x=2"), "?var-other=1", "variables are not known yet");
  assert.equal(choiceOf("?var-model=", BOTH), "?var-model=");
  assert.equal(choiceOf(`?var-model=${"x".repeat(257)}&from=now-1h`, BOTH), "");
});

test("a choice is in the address beside the time, and what the document says is not", () => {
  const query = "?from=now-2h&to=now&hide=x";
  assert.equal(withChoice(query, MODEL, ["b & c"]), `${query}&var-model=b+%26+c`);
  assert.equal(withChoice(`${query}&var-model=b`, MODEL, ["a"]), query);
  assert.equal(withChoice(query, MODEL, []), `${query}&var-model=`, "all, although the document names one");
  assert.equal(withChoice("?var-of_service=a", SERVICES, []), "");
  assert.equal(withChoice("", SERVICES, ["a", "b"]), "?var-of_service=a&var-of_service=b");
});

test("a preview is of what the document says", () => {
  const question = { metric: "requests", field: "rate" };
  assert.deepEqual(fromTheStart({ ...question, only: { model: "$model", service: ["$of_service", "x"] } }, BOTH), { ...question, only: { model: "a" }, without: undefined });
  assert.deepEqual(fromTheStart({ ...question, without: { service: ["$of_service", "x"] }, only: { model: "$$model" } }, BOTH), { ...question, only: { model: "$model" }, without: { service: "x" } });
  assert.equal(fromTheStart(question, BOTH), question);
  assert.equal(variableTitle(SERVICES), "Of service");
});
