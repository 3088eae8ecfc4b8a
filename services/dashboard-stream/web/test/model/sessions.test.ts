import assert from "node:assert/strict";
import { test } from "node:test";
import { usersChoiceOf } from "../../src/model/product.ts";
import { completeSessions, ruleInWords, sessionsOf, sessionsUsersInWords, sessionsUsersLink } from "../../src/model/sessions.ts";
import { listInWords } from "../../src/model/users.ts";

const RANGE = { from: 1_000, to: 9_000 };

function asked(link: string): Record<string, unknown> {
  const { of, question } = usersChoiceOf(link.slice(link.indexOf("?")));
  assert.equal(of, "sessions/users");
  return question ?? {};
}

test("a question is sent without what is empty or as from the start, and what is not known here stays", () => {
  assert.deepEqual(completeSessions(sessionsOf(null)), { interval: "day" });
  assert.deepEqual(completeSessions(sessionsOf({ gap_s: 1800, tz: "UTC", limit: 10, page: "", cohort: "vip", interval: "fortnight" })), { cohort: "vip", interval: "day" });
  const full = { event_types: ["view"], where: [{ property: "page", op: "prefix", value: "/tea" }], gap_s: 60, midnight: true, campaign: true, tz: "Asia/Kolkata", interval: "week", breakdown: "plan", page: "page", limit: 20 };
  assert.deepEqual(completeSessions(sessionsOf(full)), full);
  assert.equal(completeSessions(sessionsOf({ where: [{ property: "", value: "x" }] })), null);
});

test("the users of sessions are chosen by value, also by none, by entry, exit, bounce and period", () => {
  const question = sessionsOf({ breakdown: "plan", page: "page", limit: 5 });
  const base = { breakdown: "plan", page: "page", ...RANGE };
  assert.deepEqual(asked(sessionsUsersLink(question, RANGE)), base);
  assert.deepEqual(asked(sessionsUsersLink(question, RANGE, { value: "free", bounced: true })), { ...base, value: "free", bounced: true });
  assert.deepEqual(asked(sessionsUsersLink(question, RANGE, { value: null })), { ...base, without_value: true });
  assert.deepEqual(asked(sessionsUsersLink(question, RANGE, { value: "" })), { ...base, value: "" });
  assert.deepEqual(asked(sessionsUsersLink(question, RANGE, { entry: "/a&b" })), { ...base, entry: "/a&b" });
  assert.deepEqual(asked(sessionsUsersLink(question, RANGE, { period: { start: 0, end: 5_000 } })), { ...base, to: 5_000 });
  assert.deepEqual(asked(sessionsUsersLink(question, RANGE, { period: { start: 5_000, end: 20_000 } })), { ...base, from: 5_000 });
});

test("lists of users say whose sessions they had", () => {
  assert.equal(listInWords("sessions/users", {}), "who had a session");
  assert.equal(sessionsUsersInWords({ bounced: true, entry: "/tea", breakdown: "plan", without_value: true }), "had a session of one event that began with /tea, of plan unknown");
  assert.equal(sessionsUsersInWords({ exit: "/bye", breakdown: "plan", value: "free" }), "had a session that ended with /bye, of plan free");
});

test("the rule of a session is said", () => {
  assert.equal(ruleInWords({}), "A session ends after 30 min without an event.");
  assert.equal(ruleInWords({ gap_s: 60, midnight: true, campaign: true, tz: "Asia/Kolkata" }), "A session ends after 1 min without an event or at midnight (Asia/Kolkata) or with another campaign.");
});
