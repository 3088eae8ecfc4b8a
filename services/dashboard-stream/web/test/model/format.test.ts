import assert from "node:assert/strict";
import { test } from "node:test";
import { Units } from "../../src/model/catalogue.ts";
import { counted, dayAndTime, duration, edgeInWords, inWords, isolated, plain, showTimesIn, time, whole, writeFor } from "../../src/model/format.ts";
import { DASHBOARD } from "../fixtures.ts";

test("numbers read well: three digits, a unit that fits, a dash where nothing is known", () => {
  assert.equal(inWords(1901.1, "ms"), "1.9 s");
  assert.equal(inWords(23.106, "ms"), "23.1 ms");
  assert.equal(inWords(99_110_912, "By"), "94.5 MiB");
  assert.equal(inWords(0.0185, "share"), "1.85 %");
  assert.equal(inWords(10.4, "{request}/s"), "10.4/s");
  assert.equal(inWords(137, "{user}"), "137");
  assert.equal(inWords(195.0001, "{user}"), "195");
  assert.equal(inWords(9_134_000, "{token}"), "9.13 M");
  assert.equal(inWords(4.0299, "1"), "4.03");
  assert.equal(inWords(0, "share"), "0 %");
  assert.equal(inWords(null, "ms"), "–");
  assert.equal(inWords(Number.NaN, "ms"), "–");
});

test("a count among a metric's readings does not change the unit of its other fields", () => {
  const score = { name: "score.avg", metric: "score", field: "avg", unit: "1", labels: [], total: true };
  const counted = { ...score, name: "score.count.24h", field: "count", unit: "{observation}", span: "24h" };
  for (const values of [[score, counted], [counted, score]]) {
    const units = new Units({ ...DASHBOARD, values });
    assert.equal(inWords(81, units.of("score.count.24h")), "81");
    assert.equal(inWords(0.84, units.ofField("score", "avg")), "0.84");
  }
});

test("a utilization is in percent wherever it stands, and may be more than one core", () => {
  const cpu = { ...DASHBOARD.values[0]!, name: "cpu_utilization.avg", metric: "cpu_utilization", field: "avg", unit: "1" };
  const units = new Units({ ...DASHBOARD, values: [cpu] });
  assert.equal(units.metricOf("cpu_utilization.avg"), "cpu_utilization");
  for (const unit of [units.of("cpu_utilization.avg"), units.ofField("cpu_utilization", "avg")]) {
    assert.equal(inWords(0.024, unit), "2.4 %");
    assert.equal(edgeInWords(1.5, unit), "150 %");
  }
});

test("durations are told in at most two units", () => {
  assert.deepEqual([900, 125_000, 15 * 60_000, 3_840_000].map(duration), ["1 s", "2 min 5 s", "15 min", "1 h 4 min"]);
  assert.deepEqual([30, 50, 168].map((hours) => duration(hours * 3_600_000)), ["30 h", "2 d 2 h", "7 d"]);
});

test("the band of a share ends at nothing and at all of it", () => {
  assert.deepEqual([-0.1, 0.5, 1.9].map((edge) => edgeInWords(edge, "share")), ["0 %", "50.0 %", "100 %"]);
  assert.equal(edgeInWords(1.9, "1"), "1.90");
});

const AT = Date.UTC(2026, 10, 12, 21, 5, 9);

function inLocale(tag: string, said: () => string[]): string[] {
  writeFor(tag);
  showTimesIn({ utc: true });
  try {
    return said();
  } finally {
    writeFor("en");
    showTimesIn({ utc: false });
  }
}

test("numbers, durations and times are written as the language and region of the browser write them", () => {
  const said = () => [inWords(1901.1, "ms"), whole(12_408), plain(9_134_000), duration(125_000), time(AT), dayAndTime(AT), counted(1, "panel")];
  assert.deepEqual(inLocale("en-US", said), ["1.9 s", "12,408", "9.13 M", "2 min 5 s", "21:05:09", "Nov 12, 21:05", "1 panel"]);
  assert.deepEqual(inLocale("de-DE", said), ["1,9 s", "12.408", "9,13 M", "2 min 5 s", "21:05:09", "12. Nov., 21:05", "1 panel"]);
  assert.deepEqual(inLocale("fr-FR", said).slice(0, 2), ["1,9 s", "12\u202f408"]);
  assert.equal(inLocale("en-IN", () => [whole(12_345_678)])[0], "1,23,45,678");
});

test("what may run from right to left is isolated, so that a sentence around it keeps its order", () => {
  const [number, at] = inLocale("ar-EG", () => [inWords(1901.1, "ms"), time(AT)]);
  assert.equal(number, "\u2068١٫٩\u2069 s");
  assert.equal(at, "\u2068٢١:٠٥:٠٩\u2069");
  assert.deepEqual(["shop", "חנות", "\u202etxt"].map(isolated), ["shop", "\u2068חנות\u2069", "\u2068\u202etxt\u2069"]);
  assert.equal(inLocale("he-IL", () => [dayAndTime(AT)])[0]?.codePointAt(0), 0x2068);
});
