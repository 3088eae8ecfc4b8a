import assert from "node:assert/strict";
import { test } from "node:test";
import type { InsightEvent } from "../../src/model/board.ts";
import { clockTime, dayAndTime } from "../../src/model/format.ts";
import { crossing, likelihood, replicas, watchedSeries } from "../../src/model/capacity.ts";
import { againstNaive, chosen, fitting, forecasts, held, horizonsOf, leaning, outlook, scored, unscored, unscoredInWords } from "../../src/model/forecasts.ts";

const NOW = 1_000_000_000;
const MIN = 60_000;
const QUARTER = 15 * MIN;
const HOURS = 360 * MIN;
const WEEK = 7 * 24 * 60 * MIN;
const ALL = [WEEK, QUARTER, HOURS];

function forecast(horizon: number | null, fields: Partial<InsightEvent> = {}): InsightEvent {
  const reach = horizon ?? QUARTER;
  return {
    insight_id: "f",
    tenant: "default",
    kind: "forecast",
    metric: "requests",
    field: "rate",
    state: "ready",
    at: NOW,
    model: "m",
    interval: 0.8,
    points: [0.5, 1].map((part) => [NOW + part * reach, 5, 4, 6]),
    series: "requests.rate",
    key: `forecast:requests.rate@${horizon}`,
    ...(horizon ? { horizon_ms: horizon } : {}),
    ...fields,
  };
}

const STANDING = { marked: 1440, mae: 0.61, naive_mae: 0.71, bias: -0.09, coverage: 0.79, outer_coverage: 0.944 };

test("the forecast shown is the nearest that reaches as far as the time shown", () => {
  assert.equal(fitting(5 * MIN, ALL), QUARTER);
  assert.equal(fitting(QUARTER, ALL), QUARTER);
  assert.equal(fitting(3 * 60 * MIN, ALL), HOURS);
  assert.equal(fitting(24 * 60 * MIN, ALL), WEEK);
  assert.equal(fitting(30 * 24 * 60 * MIN, ALL), WEEK);
  assert.equal(fitting(QUARTER, []), null);
});

test("a forecast of a producer that names no horizon is shown, and one that is past is not", () => {
  const result = forecasts([forecast(null)], "requests.rate", NOW + MIN);
  assert.deepEqual(result.map((one) => one.horizon), [QUARTER]);
  assert.deepEqual(forecasts([forecast(null)], "requests.rate", NOW + QUARTER), []);
  assert.deepEqual(forecasts([forecast(null)], "requests.rate{service=a}", NOW), []);
});

test("of several horizons each is shown when asked for", () => {
  const result = forecasts(ALL.map((horizon) => forecast(horizon)), "requests.rate", NOW);
  assert.deepEqual(result.map((one) => one.horizon), [QUARTER, HOURS, WEEK]);
  assert.equal(chosen(result, HOURS)?.horizon, HOURS);
});

test("the outlook says of each total one far end, with the horizon that fits", () => {
  const told = [...ALL.map((horizon) => forecast(horizon)), forecast(QUARTER, { series: "requests.rate{service=a}", labels: { service: "a" } })];
  assert.deepEqual(outlook(told, NOW, 5 * MIN).map((one) => one.minutes), [15]);
  assert.deepEqual(outlook(told, NOW, WEEK).map((one) => one.horizon), [WEEK]);
  assert.deepEqual(horizonsOf(told), [QUARTER, HOURS, WEEK]);
});

test("a score is told against the naive forecast", () => {
  assert.deepEqual(againstNaive(STANDING), { text: "14 % better", tone: "good" });
  assert.deepEqual(againstNaive({ ...STANDING, mae: 0.75 }), { text: "6 % worse", tone: "warn" });
  assert.deepEqual(againstNaive({ ...STANDING, mae: 0.71 }), { text: "as good", tone: "" });
  assert.deepEqual(againstNaive({ ...STANDING, mae: 0, naive_mae: 0 }), { text: "as good", tone: "" });
  assert.deepEqual(againstNaive({ ...STANDING, mae: 1, naive_mae: 0 }), { text: "worse", tone: "warn" });
  assert.equal(againstNaive({ ...STANDING, marked: 0 }).text, "–");
});

test("an interval that holds too little or too much is said so, but not where chance explains it", () => {
  assert.deepEqual(held(0.79, 0.8, 1440), { text: "79 %", tone: "", word: "" });
  assert.equal(held(0.61, 0.8, 1440).word, "too narrow");
  assert.equal(held(0.99, 0.95, 1440).word, "too wide");
  assert.equal(held(0.99, 0.8, 1440).word, "too wide");
  assert.equal(held(0.61, 0.8, 10).word, "");
});

test("a bias is told where it matters beside the error", () => {
  assert.equal(leaning(STANDING), "too low");
  assert.equal(leaning({ ...STANDING, bias: 0.3 }), "too high");
  assert.equal(leaning({ ...STANDING, bias: 0.01 }), null);
});

test("forecasts without score or bench are no rows; totals come first, near horizons first", () => {
  const part = forecast(QUARTER, { series: "a.rate{s=x}", labels: { s: "x" }, key: "part", standing: STANDING });
  const rows = scored([part, ...ALL.map((horizon) => forecast(horizon, { standing: STANDING })), forecast(QUARTER), forecast(null)]);
  assert.deepEqual(rows.map((one) => one.horizon_ms), [QUARTER, HOURS, WEEK, QUARTER]);
  assert.equal(rows.at(-1)?.key, "part");
  assert.equal(scored([forecast(null, { benched: "blend" })]).length, 1);
});

test("what has no score yet is one sentence: how many, and when the first and the last will have one", () => {
  const minutes = (count: number) => NOW + count * MIN;
  const words = (...some: InsightEvent[]) => {
    const found = unscored(some);
    return found && unscoredInWords(found, NOW);
  };
  assert.equal(words(forecast(QUARTER, { standing: STANDING }), forecast(HOURS, { benched: "blend" }), forecast(null)), null);
  const near = forecast(QUARTER, { scored_at: minutes(20) });
  const far = forecast(WEEK, { series: "b.rate", scored_at: NOW + 6 * 86_400_000 });
  assert.equal(words(near), `1 forecast of 1 series is not scored yet, but will be at ${clockTime(minutes(20))}.`);
  assert.equal(words(near, far), `2 forecasts of 2 series are not scored yet: the first will be at ${clockTime(minutes(20))}, all by ${dayAndTime(NOW + 6 * 86_400_000)}.`);
  assert.equal(words(near, forecast(HOURS)), `2 forecasts of 1 series are not scored yet: the first will be at ${clockTime(minutes(20))}.`);
  assert.equal(words(forecast(QUARTER, { scored_at: minutes(-1) })), "1 forecast of 1 series is not scored yet, but will be within minutes.");
  assert.match(words(forecast(HOURS)) ?? "", /once its time has come/);
});

const breach = { threshold: 2e9, direction: "up" as const, probability: 0.87, at: NOW + 42 * MIN, earliest: NOW + 30 * MIN, latest: NOW + 65 * MIN };

function breaching(fields: Partial<typeof breach> | { at?: undefined; earliest?: undefined; latest?: undefined; direction?: "down" }, horizon = HOURS): InsightEvent {
  return forecast(horizon, { breach: { ...breach, ...fields } });
}

test("a crossing is told with when, from when and until when", () => {
  const said = (told: InsightEvent) => crossing(told, "By", NOW);
  assert.equal(said(breaching({})), "crosses 1.86 GiB in 42 min (30–65)");
  assert.equal(said(breaching({ latest: undefined })), "crosses 1.86 GiB in 42 min (30 or later)");
  assert.equal(said(breaching({ direction: "down" })), "falls below 1.86 GiB in 42 min (30–65)");
  assert.equal(said(breaching({ at: NOW + 20 * 60 * MIN, earliest: NOW + 840 * MIN, latest: NOW + 31 * 60 * MIN })), "crosses 1.86 GiB in 20 h (14–31)");
  assert.equal(said(breaching({ at: NOW - 1 })), "crosses 1.86 GiB about now");
  assert.equal(said(breaching({ at: undefined })), "may cross 1.86 GiB in 30 min at the earliest");
  assert.equal(said(breaching({ at: undefined, earliest: undefined, latest: undefined })), "stays below 1.86 GiB for 6 h");
});

test("of several horizons the nearest that crosses speaks, else the one that promises longest", () => {
  const none = { at: undefined, earliest: undefined, latest: undefined };
  const [one] = watchedSeries([breaching({}, WEEK), breaching({}, HOURS), breaching(none, QUARTER)], NOW);
  assert.deepEqual([one?.breach?.horizon_ms, one?.tone], [HOURS, "bad"]);
  const [calm] = watchedSeries([breaching(none, QUARTER), breaching(none, WEEK)], NOW);
  assert.deepEqual([calm?.breach?.horizon_ms, calm?.tone], [WEEK, "good"]);
  assert.deepEqual(watchedSeries([breaching({}, QUARTER)], NOW + QUARTER), []);
  assert.equal(likelihood(calm?.breach?.breach ?? breach), "unlikely");
});

test("replicas are told as how many there are and how many are needed when", () => {
  const needing = (needed: number) => forecast(HOURS, { capacity: { per_replica: 4, now: 2, needed, needed_at: NOW + 25 * MIN } });
  assert.equal(replicas(needing(3), NOW), "2 replicas now, 3 needed in 25 min");
  assert.equal(replicas(needing(3), NOW + 25 * MIN), "2 replicas now, 3 needed at once");
  assert.equal(replicas(needing(2), NOW), "2 replicas now, enough for 6 h");
  assert.equal(replicas(needing(1), NOW), "2 replicas now, enough for 6 h; 1 would be enough");
  assert.deepEqual([2, 3].map((needed) => watchedSeries([needing(needed)], NOW)[0]?.tone), ["good", "warn"]);
});
