import assert from "node:assert/strict";
import { test } from "node:test";
import { bodyOf, questionChoiceOf, questionQueryOf, replacedAt, sentOf, usersChoiceOf, usersLink } from "../../src/model/product.ts";
import { LAST } from "../../src/model/time-range.ts";

const QUESTION = { steps: [{ event_type: "page_view", where: [{ property: "page", op: "prefix", value: "/tea?a=1&b=2 ü" }] }, { event_type: "feedback" }], order: "any" };

test("an address holds the whole question and its range, and gives them back as they were", () => {
  const asked = questionChoiceOf("?range=7d");
  const query = questionQueryOf({ ...asked, question: QUESTION });
  assert.deepEqual(questionChoiceOf(query), { ...asked, question: QUESTION });
  assert.equal(questionQueryOf(questionChoiceOf("")), "");
});

test("what is no question in an address is none", () => {
  for (const wrong of ["", "?question=", "?question=%7B", "?question=[1]", "?question=null", "?question=7"]) assert.equal(questionChoiceOf(wrong).question, null, wrong);
  assert.equal(bodyOf("{"), null);
});

test("a question is sent with the instants of its range", () => {
  const fixed = { ...questionChoiceOf(""), from: 1_000, to: 2_000 };
  assert.deepEqual(sentOf({ steps: [] }, fixed, 9_000), { steps: [], from: 1_000, to: 2_000 });
  const day = { ...questionChoiceOf("?range=24h"), ...LAST };
  assert.deepEqual(sentOf({}, day, 86_400_001), { from: 1, to: 86_400_001 });
});

test("a name is replaced where the answer says that it is not known, and nowhere else", () => {
  assert.deepEqual(replacedAt({ steps: [{ event_type: "page_vew" }], breakdown: "x" }, "steps.0.event_type", "page_view"), { steps: [{ event_type: "page_view" }], breakdown: "x" });
  assert.deepEqual(replacedAt(QUESTION, "breakdown", "version"), { ...QUESTION, breakdown: "version" });
  assert.equal((replacedAt(QUESTION, "steps.0.where.0.property", "path") as typeof QUESTION).steps[0]?.where?.[0]?.property, "path");
  assert.deepEqual(replacedAt(QUESTION, "steps.9.event_type", "x"), QUESTION);
  assert.equal(QUESTION.steps[0]?.where?.[0]?.property, "page");
});

test("a list of users is named by the question that it answers, and only a question about users is asked", () => {
  const query = (link: string) => link.slice(link.indexOf("?"));
  const choice = { prefix: "", of: "funnel/users", question: { ...QUESTION, step: 2, outcome: "dropped" } };
  assert.deepEqual(usersChoiceOf(query(usersLink(choice))), choice);
  for (const path of ["funnel", "../keys/users", "people/undo", "/users", "https://example.com/users"]) {
    assert.equal(usersChoiceOf(`?of=${encodeURIComponent(path)}&question=%7B%7D`).question, null, path);
  }
  assert.equal(usersChoiceOf(query(usersLink({ prefix: "a/b?c" }))).prefix, "a/b?c");
});
