import assert from "node:assert/strict";
import { test } from "node:test";
import { linesOf } from "../../src/charts/chart-lines.ts";
import { Board } from "../../src/model/board.ts";
import type { Entry } from "../../src/model/catalogue.ts";
import { beforeInWords, beforeOf, differenceInWords, offsetOf, shortDifference } from "../../src/model/compared.ts";
import type { TimeSeries } from "../../src/model/contracts.ts";
import { comparedTitle } from "../../src/model/range-words.ts";
import { FIRST, queryOf, shownOf, timeQueryOf } from "../../src/model/shown-time.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const NOW = 1_772_370_000_000;

test("the period before is part of the address, and another dashboard is compared with it, too", () => {
  const shown = shownOf("?from=now-1h&to=now&compare=1d&theme=dark", NOW);
  assert.equal(shown.compare, "1d");
  assert.equal(queryOf(shown, "?theme=dark"), "?theme=dark&from=now-1h&to=now&compare=1d");
  assert.equal(timeQueryOf({ ...FIRST, compare: "previous" }), "?compare=previous");
  assert.equal(queryOf({ ...shown, compare: null }, "?compare=1d"), "?from=now-1h&to=now");
  for (const wrong of ["", "2y", "__proto__", "<b>"]) assert.equal(shownOf(`?compare=${encodeURIComponent(wrong)}`, NOW).compare, null);
});

test("a period lies an hour, a day, a week or its own length before", () => {
  const bounds = { from: NOW - 5 * MINUTE, to: NOW };
  assert.deepEqual(["1h", "1d", "1w", "previous"].map((name) => offsetOf(name as "1h", bounds) / MINUTE), [60, 1_440, 10_080, 5]);
  assert.equal(beforeInWords("1w", 0), "1 week before");
  assert.equal(beforeInWords("previous", 90 * MINUTE), "1 h 30 min before");
  assert.equal(comparedTitle("previous", bounds), "vs 5 min before");
  assert.equal(comparedTitle(null, bounds), "");
});

test("differences are said in words, of shares in points, and never from nothing", () => {
  const say = (now: number | null, then: number | null, unit = "ms") => differenceInWords(now, then, unit, "1 day before");
  assert.equal(say(112, 100), "12 % higher than 1 day before");
  assert.equal(say(91.5, 100), "8.5 % lower than 1 day before");
  assert.equal(say(320, 100), "3.2 times as high as 1 day before");
  assert.equal(say(100.2, 100), "the same as 1 day before");
  assert.equal(say(0, 0), "the same as 1 day before");
  assert.equal(say(5, 0), "none 1 day before");
  assert.equal(say(0, 5), "100 % lower than 1 day before");
  assert.equal(say(5, null), "no data 1 day before");
  assert.equal(say(null, 5), "nothing to compare with 1 day before");
  assert.equal(say(null, null), "");
  assert.equal(say(-2, 4), "lower than 1 day before");
  assert.equal(say(0.034, 0.03, "share"), "0.4 percentage points higher than 1 day before");
  assert.equal(say(40, 55, "%"), "15.0 percentage points lower than 1 day before");
  assert.equal(say(Number.NaN, 5), "nothing to compare with 1 day before");
  assert.deepEqual([shortDifference(112, 100, "ms"), shortDifference(0.01, 0.03, "share"), shortDifference(900, 100, "ms"), shortDifference(5, 0, "ms")], ["+12 %", "−2.0 points", "×9.0", ""]);
});

test("the lines of the period before lie on the axis of the present, as wide as its points are", () => {
  const entry: Entry = { name: "requests.rate", metric: "requests", field: "rate", unit: "{request}/s", labels: [], total: true, resolution: "1s" };
  const chart = { kind: "time_series", title: "t", lines: [{ metric: "requests", field: "rate" }] } as unknown as TimeSeries;
  const before = new Board();
  before.range = { from: NOW - HOUR - 5 * MINUTE, to: NOW - HOUR, steps: new Map([["requests.rate", "1m"]]), whole: true };
  const times = [6, 5, 4, 3, 2, 1, 0].map((back) => NOW - HOUR - back * MINUTE);
  before.lines.set("requests.rate", { t: times, v: [9, 1, 2, 3, 4, 5, 6] });
  before.values["requests.rate"] = 3;
  const present = new Board();
  present.values["requests.rate"] = 6;
  const live = new Board();
  live.before = beforeOf("1 hour before", HOUR, before, present);
  const [line] = linesOf(chart, live, new Map([[entry.name, entry]]), 5 * MINUTE, NOW).lines;
  assert.deepEqual(line?.before, { x: [5, 4, 3, 2, 1, 0].map((back) => NOW - back * MINUTE), y: [1, 2, 3, 4, 5, 6] });
  assert.deepEqual(line?.compared, { now: 6, then: 3 });
  assert.deepEqual(live.before.bounds, { from: NOW - HOUR - 5 * MINUTE, to: NOW - HOUR });
});
