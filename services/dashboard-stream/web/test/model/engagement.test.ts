import assert from "node:assert/strict";
import { test } from "node:test";
import { completeEngagement, engagedUsersLink, engagementOf, periodsOf } from "../../src/model/engagement.ts";
import { usersChoiceOf } from "../../src/model/product.ts";
import { listInWords } from "../../src/model/users.ts";

const DAY_MS = 86_400_000;
const DAY = Date.UTC(2026, 9, 12);
const point = (place: number, users: number) => ({ start: DAY + place * DAY_MS, at: DAY + (place + 1) * DAY_MS, users, rated: 0 });

test("a question keeps what is not known here, and leaves out what is as from the start", () => {
  assert.deepEqual(engagementOf({ interval: "hour", activity: "x", satisfaction: 3, weights: { depth: 0 } }), { weights: { depth: 0 } });
  assert.deepEqual(completeEngagement({ interval: "day", tz: "UTC", window_days: 28, activity: {}, satisfaction: { property: "" } }), {});
  const rated = { satisfaction: { property: "rating", event_types: ["feedback"], low: 0, high: 10 }, activity: { event_types: ["page_view"] }, window_days: 7 };
  assert.deepEqual(completeEngagement(engagementOf(rated)), rated);
  assert.equal(completeEngagement({ activity: { where: [{ property: "" }] } }), null);
  assert.equal(completeEngagement({ satisfaction: { property: "rating", where: [{ property: "" }] } }), null);
});

test("a bar leads to its users: of the end of the range without an instant, which moves on", () => {
  const series = [point(0, 3), point(1, 5)];
  const asked = (chosen: Parameters<typeof engagedUsersLink>[2]) => {
    const link = engagedUsersLink({ breakdown: "version", limit: 3, cohort: "loyal" }, { from: DAY, to: DAY + 2 * DAY_MS, series }, chosen);
    const { of, question } = usersChoiceOf(link.slice(link.indexOf("?")));
    return { question, words: listInWords(of, question ?? {}) };
  };
  const all = { breakdown: "version", cohort: "loyal", from: DAY, to: DAY + 2 * DAY_MS };
  assert.deepEqual(asked({ from_score: 40, to_score: 50, value: "2.0" }), {
    question: { ...all, from_score: 40, to_score: 50, value: "2.0" },
    words: "who are engaged from 40 to 50 of 100, of version 2.0, of the cohort loyal",
  });
  assert.deepEqual(asked({ value: null }).question, { ...all, without_value: true });
  assert.deepEqual(asked({ point: series[1] }).question, all);
  assert.deepEqual(asked({ point: series[0] }).question, { ...all, at: DAY + DAY_MS });
  assert.match(asked({ point: series[0] }).words, /^who were engaged at the end of .*12/);
});

test("periods begin with the first that has a user, and the newest comes first", () => {
  assert.deepEqual(periodsOf({ series: [point(0, 0), point(1, 2), point(2, 0)] }).map(({ users }) => users), [0, 2]);
  assert.deepEqual(periodsOf({ series: [point(0, 0)] }), []);
});
