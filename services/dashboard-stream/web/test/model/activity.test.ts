import assert from "node:assert/strict";
import { test } from "node:test";
import { activityOf, activityUsersLink, barsOf, completeActivity, latestDay } from "../../src/model/activity.ts";
import { usersChoiceOf } from "../../src/model/product.ts";
import { listInWords } from "../../src/model/users.ts";

const DAY = Date.UTC(2026, 9, 12);

test("a question keeps what is not known here, and leaves out what is as from the start", () => {
  assert.deepEqual(activityOf({ interval: "hour", event_types: "x", cohort: "loyal" }), { cohort: "loyal" });
  assert.deepEqual(completeActivity({ interval: "day", tz: "UTC", breakdown: "", event_types: [] }), {});
  assert.equal(completeActivity({ where: [{ property: "" }] }), null);
});

test("bars stand on the line of nobody, and who stays away hangs below it", () => {
  const period = { from: DAY, to: DAY + 1, active: 6, new: 1, returning: 3, resurrected: 2, dormant: 4, complete: true };
  const { line, height, bars, width, every } = barsOf([period, { ...period, active: 0, new: 0, returning: 0, resurrected: 0 }], 100);
  assert.deepEqual([line, height, width, every], [132, 221, 100, 2]);
  assert.deepEqual(bars[0]?.parts.map(({ state, y, height: tall }) => [state, y, tall]), [
    ["returning", 66, 66],
    ["new", 44, 22],
    ["resurrected", 0, 44],
    ["dormant", 133, 88],
  ]);
  assert.deepEqual(barsOf([], 100).bars, []);
});

test("the users of a value are those who meet it as a condition, and those without one cannot be asked for", () => {
  const question = { breakdown: "version", cohort: "loyal", where: [{ property: "page", op: "exists" as const }] };
  const link = activityUsersLink(question, { from: 1, to: 9 }, { period: DAY, state: "dormant", value: "2.0" });
  const { of, question: sent } = usersChoiceOf(link.slice(link.indexOf("?")));
  assert.deepEqual(sent, { cohort: "loyal", where: [...question.where, { property: "version", op: "=", value: "2.0" }], from: 1, to: 9, period_from: DAY, state: "dormant" });
  assert.match(listInWords(of, sent ?? {}), /^who were dormant on .*12.*, by page is there, version is 2\.0, of the cohort loyal$/);
  assert.equal(activityUsersLink(question, { from: 1, to: 9 }, { period: DAY, state: "new", value: null }), "");
});

test("the day that is told of is the newest one that is over", () => {
  const day = { from: DAY, active: 1, last_7: 2, last_30: 3, complete: true };
  assert.equal(latestDay({ days: [day, { ...day, from: DAY + 1, complete: false }] })?.from, DAY);
  assert.equal(latestDay({ days: [{ ...day, complete: false }] })?.from, DAY);
  assert.equal(latestDay({ days: [] }), null);
});
