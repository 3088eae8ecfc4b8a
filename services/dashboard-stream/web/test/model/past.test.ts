import assert from "node:assert/strict";
import { test } from "node:test";
import { linesOf } from "../../src/charts/chart-lines.ts";
import { timeTicks } from "../../src/charts/time-ticks.ts";
import type { Entry } from "../../src/model/catalogue.ts";
import type { TimeSeries } from "../../src/model/contracts.ts";
import { showTimesIn } from "../../src/model/format.ts";
import { boardOf, insightsWithin, stepsFor, wantedOf } from "../../src/model/past.ts";
import { rangeTitle } from "../../src/model/range-words.ts";
import { FIRST } from "../../src/model/shown-time.ts";
import { anomaly, board, DASHBOARD } from "../fixtures.ts";

const HOUR = 3_600_000;
const BOUNDS = { from: 1_772_370_000_000, to: 1_772_370_000_000 + HOUR };
const ENTRIES: Entry[] = [
  { name: "requests.rate", metric: "requests", field: "rate", unit: "{request}/s", labels: ["service"], total: true, resolution: "1s" },
  { name: "active_users.uniques", metric: "active_users", field: "uniques", unit: "{user}", labels: [], total: true, resolution: "1m" },
  { name: "requests.count.1h", metric: "requests", field: "count", unit: "{request}", labels: [], total: true, span: "1h" },
];

test("points are as wide as a range needs, and never narrower than a reading has them", () => {
  assert.equal(stepsFor(60_000, "1s")[0], "1s");
  assert.equal(stepsFor(60_000, "1m")[0], "1m");
  assert.equal(stepsFor(HOUR, "1s")[0], "30s");
  assert.equal(stepsFor(24 * HOUR, "1s")[0], "15m");
  assert.equal(stepsFor(30 * 24 * HOUR, "1s")[0], "3h");
  assert.deepEqual(stepsFor(4_000 * 24 * HOUR, "1s"), ["1d"]);
});

test("each reading is asked as a whole and by its dimensions; running totals are not", () => {
  const asked = wantedOf(ENTRIES, HOUR);
  assert.deepEqual(
    asked.map(({ wanted, resolutions }) => [resolutions[0], wanted.map((one) => one.question)]),
    [
      ["30s", [{ metric: "requests", aggregate: "rate" }, { metric: "requests", aggregate: "rate", group_by: ["service"], top: 12 }]],
      ["1m", [{ metric: "active_users", aggregate: "uniques" }]],
    ],
  );
});

test("answers become the lines and the values of a board that panels draw", () => {
  const [set] = wantedOf(ENTRIES, HOUR);
  assert.ok(set);
  const point = (value: number): [number, number | null] => [BOUNDS.from + 60_000, value];
  const series = (labels: Record<string, string>, total: number) => ({ labels, total, points: [point(total)] });
  const answers = [
    { name: "", unit: "", series: [series({}, 7)] },
    { name: "", unit: "", series: [series({ service: "a" }, 5), series({ service: "" }, 2)] },
  ] as unknown as Parameters<typeof boardOf>[0][number]["answers"];
  const made = boardOf([{ wanted: set.wanted, answers, resolution: "30s", serviceNames: { a: "Shop A" } }], BOUNDS, BOUNDS.to, []);
  assert.deepEqual(made.values, { "requests.rate": 7, "requests.rate{service=a}": 5 });
  assert.equal(made.given("service", "a"), "Shop A");
  const chart = { kind: "time_series", title: "t", lines: [{ metric: "requests", field: "rate" }, { metric: "requests", field: "rate", by: "service" }] } as unknown as TimeSeries;
  const entries = new Map(ENTRIES.map((entry) => [entry.name, { ...entry, resolution: "30s" }]));
  const lines = linesOf(chart, made, entries, 1, 0);
  assert.deepEqual([lines.from, lines.now], [BOUNDS.from, BOUNDS.to]);
  assert.deepEqual(lines.lines.map((line) => [line.title, line.last]), [["rate", 7], ["Shop A", 5]]);
});

test("a long range that ends now has the numbers of now and the lines of what was asked", () => {
  const past = boardOf([], BOUNDS, BOUNDS.to, []);
  past.lines.set("requests.rate", { t: [1], v: [2] });
  const shown = board({ "requests.rate": 3 }).over(past);
  assert.equal(shown.value("requests.rate"), 3);
  assert.deepEqual(shown.lines.get("requests.rate"), { t: [1], v: [2] });
  assert.equal(shown.range?.whole, false);
});

test("what stands still is not changed by later frames", () => {
  const moving = board({ "requests.rate": 3 });
  const still = moving.still();
  moving.take({ type: "update", dashboard: DASHBOARD.name, epoch: "e", seq: 1, ts: 1, data: { values: { "requests.rate": 9 }, series: { "requests.rate": [[1, 9]] }, events: [] } });
  assert.equal(still.value("requests.rate"), 3);
  assert.equal(still.lines.size, 0);
});

test("a range has the anomalies of its time", () => {
  const at = BOUNDS.from + 60_000;
  const all = [
    anomaly({ key: "in", at, since: at }),
    anomaly({ key: "before", at: BOUNDS.from - 1, since: BOUNDS.from - 2 }),
    anomaly({ key: "across", at: BOUNDS.to + 5, since: BOUNDS.from - 5, phase: "resolved" }),
    anomaly({ key: "after", at: BOUNDS.to + 5, since: BOUNDS.to + 1 }),
    anomaly({ key: "state", at, phase: null }),
  ];
  assert.deepEqual(insightsWithin(all, BOUNDS).map((one) => one.key), ["in", "across"]);
});

test("a range is called as it was chosen, else by its ends", () => {
  showTimesIn({ utc: true });
  const named = (from: string, to: string) => rangeTitle({ ...FIRST, from, to }, BOUNDS, BOUNDS.to);
  assert.equal(named("now-5m", "now"), "Last 5 min");
  assert.equal(named("now-3h", "now"), "Last 1 h");
  assert.equal(named("now-1d/d", "now-1d/d"), "Yesterday");
  assert.equal(named("now-2h", "now-1h"), "13:00:00 to 14:00:00");
  showTimesIn({ utc: false });
});

test("marks of an axis are round in the zone that is shown, and a new day is named", () => {
  showTimesIn({ utc: true });
  assert.deepEqual(timeTicks(BOUNDS.from, BOUNDS.to, 6).ticktext, ["13:00", "13:10", "13:20", "13:30", "13:40", "13:50", "14:00"].slice(0, 7));
  const days = timeTicks(BOUNDS.from, BOUNDS.from + 36 * HOUR, 6);
  assert.deepEqual(days.ticktext, ["18:00", "2 Mon", "06:00", "12:00", "18:00", "3 Tue"]);
  assert.ok(days.tickvals.every((at) => at >= BOUNDS.from && at <= BOUNDS.from + 36 * HOUR));
  assert.equal(timeTicks(0, 1, 0).tickvals.length > 0, true);
  showTimesIn({ utc: false });
});
