import assert from "node:assert/strict";
import { test } from "node:test";
import type { TimelineAnswer, TimelineEntry } from "../../src/model/contracts.ts";
import { barsOf, dataInWords, groupsOf, timelineConditions, userChoiceOf, userLink } from "../../src/model/timeline.ts";

const HOSTILE = "ada & co/é?#%2F <b>\u202e";
const DAY_MS = 86_400_000;

test("the address of a user gives back their id, whatever it is, and the conditions", () => {
  const link = userLink(HOSTILE, { kind: "error", day: "2026-11-02" });
  const choice = userChoiceOf(link.slice(link.indexOf("?")));
  assert.deepEqual(choice, { user: HOSTILE, kind: "error", type: "", day: "2026-11-02" });
  const asked = timelineConditions(choice);
  assert.equal(asked.get("user_id"), HOSTILE);
  assert.equal(asked.get("kinds"), "error");
  assert.equal(asked.get("to"), String(Date.UTC(2026, 10, 3)));
  assert.deepEqual(userChoiceOf("?user=a&kind=span&day=2026-13-90"), { user: "a", kind: "", type: "", day: "" });
  assert.equal(timelineConditions({ user: "a", kind: "error", type: "view", day: "" }).toString(), "user_id=a&kinds=event&event_types=view");
});

test("the strip has every day from the first to today, and of many the last ones", () => {
  const bars = barsOf({ days: [{ day: "2026-11-01", events: 2 }, { day: "2026-11-03", events: 1, requests: 3, failed_requests: 1 }] }, Date.UTC(2026, 10, 5, 13));
  assert.deepEqual(
    bars.map(({ day, share }) => [day, share]),
    [["2026-11-01", 0.5], ["2026-11-02", 0], ["2026-11-03", 1], ["2026-11-04", 0], ["2026-11-05", 0]],
  );
  assert.equal(bars[2]?.failed_requests, 1);
  assert.deepEqual(barsOf({ days: [] }, 0), []);
  const long = barsOf({ days: [{ day: "2020-01-01", events: 1 }] }, Date.UTC(2026, 10, 5));
  assert.equal(long.length, 60);
  assert.equal(long.at(-1)?.day, "2026-11-05");
});

function entry(id: string, time_ms: number, session?: number): TimelineEntry {
  return { kind: "event", id, time_ms, name: "view", ...(session === undefined ? {} : { session }) };
}

test("entries are grouped by session across pages, with the time between", () => {
  const session = { start_ms: 5 * DAY_MS, end_ms: 5 * DAY_MS + 9, events: 3 };
  const older = { start_ms: DAY_MS, end_ms: DAY_MS + 50, events: 7 };
  const page = (entries: TimelineEntry[], sessions: TimelineAnswer["sessions"] = []): TimelineAnswer => ({ as_of: 0, person_id: "a", entries, sessions });
  const groups = groupsOf([
    page([entry("a", 5 * DAY_MS + 9, session.start_ms), entry("b", 5 * DAY_MS + 5, session.start_ms)], [session]),
    page([entry("c", 5 * DAY_MS, session.start_ms), entry("d", 3 * DAY_MS), entry("e", DAY_MS + 50, older.start_ms)], [session, older]),
  ]);
  assert.deepEqual(
    groups.map((group) => [group.session?.events ?? null, group.entries.map(({ id }) => id).join(""), group.idle_ms]),
    [[3, "abc", 2 * DAY_MS], [null, "d", 2 * DAY_MS - 50], [7, "e", null]],
  );
});

test("data is said in the order in which it came, and long values are cut", () => {
  assert.deepEqual(dataInWords({ page: "/tea", rating: 4, tags: ["a"], long: "x".repeat(100) }), [
    { name: "page", value: "/tea", cut: false },
    { name: "rating", value: "4", cut: false },
    { name: "tags", value: '["a"]', cut: false },
    { name: "long", value: `${"x".repeat(60)}…`, cut: true },
  ]);
  assert.deepEqual(dataInWords(), []);
});
