import assert from "node:assert/strict";
import { test } from "node:test";
import { completeExperience, experienceOf, experienceUsersLink, rangeInWords, response, wholeOf } from "../../src/model/experience.ts";
import { usersChoiceOf } from "../../src/model/product.ts";
import { listInWords } from "../../src/model/users.ts";

const SLOW = { measure: "mean" as const, property: "latency_ms", event_type: "dharma_query" };
const BIN = { users: 4, value: 0.5, from_dose: 0, to_dose: 900 };

test("a question keeps what is not known here, and is sent without what is as from the start or of no use", () => {
  assert.deepEqual(experienceOf({ dose: 3, outcome: { kind: "buy" }, edges: [5], start: [] }), { dose: {}, edges: [5] });
  const whole = { start: { event_type: "page_view" }, dose: SLOW, outcome: { kind: "conversion", event_type: "feedback" }, exposure_s: 60, within_s: 90, bins: 3, strata: ["topic"] };
  assert.deepEqual(completeExperience(experienceOf(whole)), whole);
  const usual = { dose: { ...SLOW, measure: "count" as const }, outcome: { kind: "return" as const, event_type: "feedback" }, exposure_s: 86_400, within_s: 604_800, bins: 5, strata: ["activity", " service", "version", ""] };
  assert.deepEqual(completeExperience(usual), { dose: { event_type: "dharma_query" } });
  assert.deepEqual(completeExperience({ dose: SLOW, strata: [""] }), { dose: SLOW, strata: [] });
});

test("nothing is asked while it is not said what is met, or what is done", () => {
  assert.equal(completeExperience({ dose: {} }), null);
  assert.equal(completeExperience({ dose: { measure: "max", event_type: "dharma_query" } }), null);
  assert.equal(completeExperience({ dose: SLOW, outcome: { kind: "conversion" } }), null);
  assert.equal(completeExperience({ dose: SLOW, start: { where: [{ property: "" }] } }), null);
});

test("a range leads to its users, at the time of the answer", () => {
  const question = { dose: SLOW, outcome: { kind: "conversion" as const, event_type: "feedback" }, bins: 3, strata: ["topic"], edges: [900], cohort: "loyal" };
  const asked = (chosen: Parameters<typeof experienceUsersLink>[2]) => {
    const link = experienceUsersLink(question, { from: 1, to: 9, as_of: 12 }, chosen);
    const { of, question: sent } = usersChoiceOf(link.slice(link.indexOf("?")));
    return { sent, words: listInWords(of, sent ?? {}) };
  };
  const all = { dose: SLOW, outcome: question.outcome, cohort: "loyal", from: 1, to: 9, as_of: 12 };
  assert.deepEqual(asked({ bin: BIN, with_outcome: false }), {
    sent: { ...all, from_dose: 0, to_dose: 900, with_outcome: false },
    words: "who had 0 to 900 as mean latency_ms of dharma_query, and did not do feedback, of the cohort loyal",
  });
  assert.deepEqual(asked({ bin: null }), { sent: { ...all, without_dose: true }, words: "who had no mean latency_ms of dharma_query, of the cohort loyal" });
});

test("open ends, shares and days are said as what they are", () => {
  assert.deepEqual([rangeInWords({ to_dose: 2 }), rangeInWords({ from_dose: 0 }), rangeInWords({})], ["below 2", "0 and more", "any"]);
  assert.deepEqual([response(0.5, undefined), response(0.5, { kind: "active_days" }), response(null, undefined)], ["50 %", "0.5", "–"]);
  assert.equal(wholeOf({ bins: [BIN] }, undefined), 1);
  assert.equal(wholeOf({ bins: [{ ...BIN, value: 2, high: 3.5 }], without_dose: { users: 1, value: 4 } }, { kind: "active_days" }), 4);
});
