import assert from "node:assert/strict";
import { test } from "node:test";
import { cohortInWords, cohortUsersLink, type Draft, EMPTY_DRAFT, EMPTY_PART, faultIn, nameOf, storedOf } from "../../src/model/cohorts.ts";
import { usersChoiceOf } from "../../src/model/product.ts";
import { listInWords } from "../../src/model/users.ts";

const DRAFT: Draft = {
  name: "",
  title: "Regulars, who rate",
  match: "any",
  parts: [
    { ...EMPTY_PART, events: { event_types: ["page_view"] }, at_least: 3, days: 30 },
    { ...EMPTY_PART, kind: "not" },
    { ...EMPTY_PART, kind: "metric", function: "mean", property: "rating", value: "4", events: { event_types: ["feedback"] } },
  ],
};

test("a cohort is stored by its title, and each part is the condition that was chosen", () => {
  assert.equal(nameOf("  Émile's — best!  "), "mile-s-best");
  const stored = storedOf(DRAFT);
  assert.equal(stored?.name, "regulars-who-rate");
  assert.deepEqual(stored?.body.condition, {
    any: [{ did: { event_types: ["page_view"], from: "now-30d", at_least: 3 } }, { not: { did: {} } }, { metric: { function: "mean", property: "rating", op: ">=", value: 4, event_types: ["feedback"] } }],
  });
  assert.equal(cohortInWords(stored?.body ?? {}), "did page_view 3 times or more in the last 30 days, or did not: anything, or mean of rating >= 4 in feedback");
  assert.equal(cohortInWords({ user_count: 2 }), "2 ids, kept as they were saved");
});

test("what is not complete is not stored", () => {
  assert.equal(storedOf(EMPTY_DRAFT), null);
  assert.equal(storedOf({ ...DRAFT, name: "Not a name" }), null);
  for (const part of [{ ...EMPTY_PART, kind: "metric" as const, property: "rating", value: "four" }, { ...EMPTY_PART, kind: "metric" as const, value: "4" }, { ...EMPTY_PART, events: { where: [{ property: "" }] } }]) {
    assert.equal(storedOf({ ...DRAFT, parts: [part] }), null);
  }
});

test("faults are said at the part that they are about", () => {
  assert.equal(faultIn("condition.any.0.did.event_types.0", DRAFT, 0), "event_types.0");
  assert.equal(faultIn("condition.any.0.did.event_types.0", DRAFT, 1), null);
  assert.equal(faultIn("condition.any.1.not.did.where.0.property", DRAFT, 1), "where.0.property");
  assert.equal(faultIn("condition.any.2.metric.property", DRAFT, 2), "property");
  assert.equal(faultIn("condition.any.1.not", DRAFT, 1), "");
  assert.equal(faultIn("condition.any.1", DRAFT, 1), "");
});

test("its users are those of this moment", () => {
  const link = cohortUsersLink("regulars");
  const { of, question } = usersChoiceOf(link.slice(link.indexOf("?")));
  assert.equal(listInWords(of, question ?? {}), "who are in the cohort regulars now");
});
