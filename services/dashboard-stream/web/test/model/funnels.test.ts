import assert from "node:assert/strict";
import { test } from "node:test";
import { askedFunnel, autopsyQuestion, barsOf, chanceInWords, funnelOf, funnelQuestion, funnelUsersInWords, funnelUsersLink, questionOfSaved, resultInWords, stepInWords, windowParts, windowSeconds, withFunnel, worstStep } from "../../src/model/funnels.ts";
import { usersChoiceOf } from "../../src/model/product.ts";

const FUNNEL = funnelOf({ steps: [{ event_type: "page_view", where: [{ property: "page", op: "prefix", value: "/tea" }] }, { event_type: "feedback" }] });

test("a funnel has two steps at least, keeps what is not known here, and drops what cannot be", () => {
  assert.deepEqual(funnelOf(null).steps, [{ event_type: "" }, { event_type: "" }]);
  const odd = funnelOf({ steps: [7, { event_type: 5, where: "x" }, { event_type: "b", where: [null, { property: "p", op: "like", value: 1 }] }], order: "strict" });
  assert.deepEqual(odd, { order: "strict", steps: [{ event_type: "" }, { event_type: "b", where: [{ property: "p", op: "=", value: "" }] }] });
});

test("a funnel is asked for when each step has a type and each condition a property", () => {
  assert.equal(askedFunnel(funnelOf(null)), null);
  assert.equal(askedFunnel(funnelOf({ steps: [{ event_type: "a", where: [{ property: "" }] }, { event_type: "b" }] })), null);
  assert.deepEqual(askedFunnel({ ...FUNNEL, window_s: 604_800, breakdown: "" }), FUNNEL);
  assert.equal(askedFunnel({ ...FUNNEL, window_s: 60 })?.window_s, 60);
});

test("a funnel has an order, a unit and exclusions, of which what is as from the start is not asked for", () => {
  assert.deepEqual(askedFunnel(funnelOf({ ...FUNNEL, order: "ordered", unit: "user", account: "company", exclusions: [] })), FUNNEL);
  assert.deepEqual(funnelOf({ ...FUNNEL, order: "sideways", unit: 7 }), FUNNEL);
  assert.equal(askedFunnel(funnelOf({ ...FUNNEL, exclusions: [{ event_type: "" }] })), null);
  assert.equal(askedFunnel(funnelOf({ ...FUNNEL, unit: "account" })), null);
  const asked = { ...FUNNEL, order: "any" as const, unit: "account" as const, account: "company", exclusions: [{ event_type: "sign_out", from_step: 1, to_step: 2 }] };
  assert.deepEqual(askedFunnel(funnelOf(asked)), asked);
});

test("a panel keeps its own fields with another question, and an account only where it counts by account", () => {
  const panel = { kind: "funnel" as const, title: "Tea", id: "tea", ...FUNNEL, window_s: 60, exclusions: [{ event_type: "sign_out" }] };
  const by = { ...FUNNEL, order: "any" as const, unit: "account" as const, account: "company", exclusions: [], breakdown: "" };
  assert.deepEqual(withFunnel(panel, by), { kind: "funnel", title: "Tea", id: "tea", ...FUNNEL, order: "any", unit: "account", account: "company" });
  assert.equal(withFunnel(panel, { ...by, unit: "session" }).account, undefined);
  assert.deepEqual(withFunnel(panel, funnelQuestion(panel)), panel);
});

test("what differs is asked for of the step before which most users are lost", () => {
  const steps = [40, 30, 5, 4].map((users, place) => ({ event_type: String(place), users }));
  assert.equal(worstStep({ steps }), 3);
  assert.deepEqual(autopsyQuestion({ ...FUNNEL, breakdown: "version", limit: 5 }, { from: 1, to: 9 }, 2), { ...FUNNEL, from: 1, to: 9, step: 2 });
  assert.deepEqual([chanceInWords(0.0004), chanceInWords(0.0234)], ["p < 0.001", "p = 0.023"]);
});

test("a window is shown in the largest unit of which it is whole ones", () => {
  assert.deepEqual([604_800, 7_200, 90, 86_401].map((s) => windowParts(s)), [
    { number: 7, unit: "d" },
    { number: 2, unit: "h" },
    { number: 90, unit: "s" },
    { number: 86_401, unit: "s" },
  ]);
  assert.equal(windowSeconds(1.5, "h"), 5_400);
  for (const seconds of [1, 59, 60, 3_600, 86_400, 7_776_000]) {
    const { number, unit } = windowParts(seconds);
    assert.equal(windowSeconds(number, unit), seconds);
  }
});

test("bars say who got there and who did not", () => {
  const steps = [
    { event_type: "page_view", users: 40, of_first: 1, of_previous: 1 },
    { event_type: "feedback", users: 10, of_first: 0.25, of_previous: 0.25 },
  ];
  assert.deepEqual(barsOf({ steps }, FUNNEL)[1], { step: 2, title: "feedback", users: 10, ofFirst: 0.25, ofPrevious: 0.25, dropped: 30 });
  assert.equal(resultInWords({ steps }), "10 of 40 users got to the last step: 25 %");
  assert.equal(resultInWords({ steps: [{ event_type: "a", users: 0 }] }), "0 of 0 users got to the last step");
  assert.equal(stepInWords({ event_type: "a", where: [{ property: "x", op: "in", values: ["1", "2"] }, { property: "y", op: "exists" }] }), "a, x is one of 1 or 2, y is there");
});

test("the users behind a number are asked for over the very range of the answer", () => {
  const link = funnelUsersLink({ ...FUNNEL, breakdown: "version", limit: 5 }, { from: 1, to: 9 }, { step: 2, outcome: "dropped", value: "1.0" });
  const { of, question } = usersChoiceOf(link.slice(link.indexOf("?")));
  assert.equal(of, "funnel/users");
  assert.deepEqual(question, { ...FUNNEL, breakdown: "version", from: 1, to: 9, step: 2, outcome: "dropped", value: "1.0" });
  assert.equal(funnelUsersInWords(question ?? {}), "got to step 1, page_view, page begins with /tea, and not to step 2, feedback, of version 1.0");
  assert.ok(decodeURIComponent(funnelUsersLink({ ...FUNNEL, breakdown: "version" }, { from: 1, to: 9 }, { step: 1, outcome: "converted", value: null })).includes('"without_value":true'));
  assert.equal(funnelUsersInWords({ steps: FUNNEL.steps, step: 1, outcome: "converted" }), "reached step 1, page_view, page begins with /tea");
});

test("neither the name nor the days of a saved funnel are part of a question", () => {
  const steps = [{ event_type: "a" }, { event_type: "b" }];
  assert.deepEqual(questionOfSaved({ funnel: { steps, days: 7, breakdown: "topic" } }), { steps, breakdown: "topic" });
  assert.deepEqual(funnelQuestion({ kind: "funnel", title: "Tea", steps, saved: "tea" }), { steps });
});
