import assert from "node:assert/strict";
import { test } from "node:test";
import { usersChoiceOf } from "../../src/model/product.ts";
import { columnInWords, completeRetention, periodInWords, retentionOf, retentionUsersInWords, retentionUsersLink, rowsOf } from "../../src/model/retention.ts";

const WEEK = Date.UTC(2026, 9, 12);

test("a question keeps what is not known here, and drops what cannot be", () => {
  const odd = retentionOf({ interval: "year", kind: 7, periods: -1, start: { event_types: ["a", 5], where: "x" }, return: null, cohort: "loyal", recurring: "yes" });
  assert.deepEqual(odd, { cohort: "loyal", start: { event_types: ["a"] } });
  assert.deepEqual(completeRetention({ interval: "week", tz: "UTC", kind: "classic", periods: 8, start: {}, breakdown: "" }), {});
});

test("conditions need a property, and brackets are there where they are asked for", () => {
  assert.equal(completeRetention({ start: { where: [{ property: "" }] } }), null);
  assert.equal(completeRetention({ kind: "bracketed", brackets: [" "] }), null);
  assert.deepEqual(completeRetention({ kind: "bracketed", brackets: ["0", "1-3 ", ""], periods: 5 }), { kind: "bracketed", brackets: ["0", "1-3"] });
  assert.deepEqual(completeRetention({ kind: "rolling", brackets: ["0"], periods: 5 }), { kind: "rolling", periods: 5 });
});

test("periods and columns have the words of their calendar", () => {
  assert.equal(columnInWords({ first: 2, last: 2 }, "week"), "Week 2");
  assert.equal(columnInWords({ first: 4, last: 7 }, "day"), "Days 4–7");
  // Midnight in Berlin is still the day before in UTC.
  assert.match(periodInWords(Date.UTC(2026, 9, 11, 22), "week", "Europe/Berlin"), /12/);
  assert.match(periodInWords(Date.UTC(2026, 9, 11, 22), "week", "No/Where"), /11/);
});

test("a table has the cohorts under all of them, and says what is not over or has not begun", () => {
  const cohorts = [
    { from: WEEK, to: WEEK + 1, size: 4, users: [4, 1, 3], shares: [1, 0.25, 0.75], complete: 3 },
    { from: WEEK + 1, to: WEEK + 2, size: 2, users: [2, 1], shares: [1, 0.5], complete: 1 },
    { from: WEEK + 2, to: WEEK + 3, size: 0, users: [0], shares: [null], complete: 0 },
  ];
  const total = { sizes: [6, 4, 4], users: [6, 1, 3], shares: [1, 0.25, 0.75] };
  const [all, first, second, third] = rowsOf({ cohorts, total }, 3, "lost");
  assert.deepEqual(all?.cells.map((cell) => cell?.users), [0, 3, 1]);
  assert.deepEqual(first?.cells[1], { users: 3, share: 0.75, complete: true });
  assert.deepEqual(second?.cells, [{ users: 0, share: 0, complete: true }, { users: 1, share: 0.5, complete: false }, null]);
  assert.deepEqual(third?.cells, [null, null, null]);
});

test("the users behind a cell are asked for over the range of the answer, and said in words", () => {
  const link = retentionUsersLink({ return: { event_types: ["feedback"] }, limit: 5 }, { from: 1, to: 9 }, { cohort: WEEK, cell: 2, outcome: "lost" });
  const { of, question } = usersChoiceOf(link.slice(link.indexOf("?")));
  assert.equal(of, "retention/users");
  assert.deepEqual(question, { return: { event_types: ["feedback"] }, from: 1, to: 9, cohort_from: WEEK, cell: 2, outcome: "lost" });
  assert.match(retentionUsersInWords(question ?? {}), /^began in the week of .*12.* and did not come back in week 2 with feedback$/);
  assert.match(retentionUsersInWords({ kind: "bracketed", brackets: ["0", "1-3"], cell: 1, cohort_from: WEEK, interval: "day" }), /^began on .* and came back in days 1–3$/);
});
