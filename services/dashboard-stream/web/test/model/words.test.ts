import assert from "node:assert/strict";
import { test } from "node:test";
import { Board, type Told } from "../../src/model/board.ts";
import { type Dashboard, Units } from "../../src/model/catalogue.ts";
import { meaning, pause } from "../../src/live/feed.ts";
import { duration, inWords, time } from "../../src/model/format.ts";
import { concerns, finding, health, incidents, MUTE_MS, NEWS_MS, silence, span, standing, watched } from "../../src/model/insights.ts";
import { layoutOf } from "../../src/pages/layouts.ts";
import { parse, phrase, title } from "../../src/model/names.ts";
import { missing, status } from "../../src/live/status.ts";

const DASHBOARD: Dashboard = {
  name: "system_overview",
  title: "t",
  description: "",
  path: "",
  ws: "",
  series: [
    { name: "requests.rate", metric: "requests", field: "rate", unit: "{request}/s", labels: ["service"], total: true, resolution: "1s" },
    { name: "brand_new.avg", metric: "brand_new", field: "avg", unit: "ms", labels: ["kind"], total: true, resolution: "1s" },
  ],
  values: [{ name: "requests.rate", metric: "requests", field: "rate", unit: "{request}/s", labels: [], total: true }],
};

function anomaly(fields: Partial<Told> = {}): Told {
  return {
    insight_id: "i",
    tenant: "default",
    kind: "anomaly",
    metric: "request_duration_ms",
    field: "p95",
    state: "ready",
    at: 1_000_000,
    model: "m",
    phase: "opened",
    series: "request_duration_ms.p95",
    key: "i",
    severity: "critical",
    ...fields,
  };
}

function board(values: Record<string, number | null>): Board {
  const made = new Board();
  made.take({ type: "snapshot", dashboard: "d", epoch: "e", seq: 0, ts: 0, data: { values, series: {}, events: [] } });
  return made;
}

const GOOD = { freshness_ms: 100, "stream.bus_connected": 1, "stream.history_ready": 1 };

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

test("durations are told in at most two units", () => {
  assert.deepEqual([900, 125_000, 15 * 60_000, 3_840_000].map(duration), ["1 s", "2 min 5 s", "15 min", "1 h 4 min"]);
  assert.deepEqual([30, 50, 168].map((hours) => duration(hours * 3_600_000)), ["30 h", "2 d 2 h", "7 d"]);
});

test("names of readings come apart, also with strange label values", () => {
  assert.deepEqual(parse("requests.rate"), { reading: "requests.rate", label: null, value: null });
  assert.deepEqual(parse("a.count.1h{topic={x}=1}"), { reading: "a.count.1h", label: "topic", value: "{x}=1" });
  assert.equal(title("request_duration_ms", "p95"), "Request duration p95");
  assert.equal(title("llm_requests", "error_rate"), "LLM requests error rate");
  assert.equal(phrase("llm_requests", "error_rate"), "LLM request error rate");
  assert.equal(phrase("request_duration_ms", "p95"), "request duration p95");
});

test("the state of the connection is a word, and says why where it is not live", () => {
  const open = { state: "open" } as const;
  const word = (values: Record<string, number | null>, heard = 100) => status(open, board(values), heard, 0).word;
  assert.equal(word(GOOD), "live");
  assert.equal(word(GOOD, 6_000), "stale");
  assert.equal(word({ ...GOOD, freshness_ms: 60_000 }), "stale");
  assert.equal(word({ ...GOOD, freshness_ms: null }), "waiting");
  assert.equal(word({ ...GOOD, "stream.bus_connected": 0 }), "stale");
  assert.equal(word({ ...GOOD, "stream.history_ready": 0 }), "catching up");
  const waiting = status({ state: "waiting", tries: 2, until: 3_000, why: "The service is restarting." }, board(GOOD), 0, 1_000);
  assert.deepEqual([waiting.word, waiting.why], ["reconnecting", "The service is restarting. Trying again in 2 s."]);
});

test("what is missing is told, and nothing where nothing is", () => {
  assert.deepEqual(missing(board({ ...GOOD, "stream.refused_series": 0 })), []);
  assert.deepEqual(missing(board({ ...GOOD, "stream.refused_series": 3 })), ["3 series beyond the limit"]);
});

test("a page comes again after a restart, but not to what does not exist or without a key", () => {
  assert.deepEqual([1006, 1012, 4408, 4429, 4404, 4401, 4403].map((code) => meaning(code).final), [false, false, false, false, true, true, true]);
  assert.deepEqual([meaning(4401).key, meaning(4404).key], [true, false]);
});

test("pauses grow to a bound and are spread", () => {
  assert.deepEqual([pause(0, 0), pause(0, 0.999) < 750, pause(3, 0.5), pause(30, 0.5)], [250, true, 4_000, 15_000]);
});

test("an anomaly is told with what, how far and since when", () => {
  const units = new Units({ ...DASHBOARD, values: [{ ...DASHBOARD.values[0]!, name: "request_duration_ms.p95", metric: "request_duration_ms", field: "p95", unit: "ms" }] });
  const told = anomaly({ value: 1901, expected: 400, lower: 200, upper: 600 });
  assert.equal(finding(told, units), "1.9 s, expected 200 ms to 600 ms: 4.8 times as much");
  assert.equal(finding({ ...told, value: 100, expected: 400 }, units), "100 ms, expected 200 ms to 600 ms: a quarter as much");
  assert.equal(finding({ ...told, phase: "resolved", value: 300 }, units), "back at 300 ms, expected 200 ms to 600 ms");
  assert.equal(finding(anomaly({ message: "as the model says it" }), units), "as the model says it");
});

test("what is adapted to stays where it is, and is over without having recovered", () => {
  const units = new Units({ ...DASHBOARD, values: [{ ...DASHBOARD.values[0]!, name: "requests.error_rate", field: "error_rate", unit: "share" }] });
  const settled = anomaly({ metric: "requests", field: "error_rate", series: "requests.error_rate", phase: "resolved", adapted: true, since: 700_000, value: 0.79, expected: 0.01, lower: 0, upper: 0.04 });
  assert.equal(finding(settled, units), "stays at 79.0 %, expected 0 % to 4.0 % before: the new normal");
  assert.equal(finding(settled, units, false), "stayed at 79.0 %, expected 0 % to 4.0 % before: the new normal");
  assert.equal(finding({ ...settled, lower: null, upper: null }, units), "stays at 79.0 %, expected 1.0 % before: the new normal");
  assert.equal(finding({ ...settled, value: null, message: "stays silent" }, units), "stays silent");
  const [one] = incidents([settled], 1_030_000);
  assert.deepEqual([one?.open, one?.stays, one?.severity, one?.until], [false, true, "critical", 1_000_000]);
  assert.equal(one && span(one, 1_030_000), `since ${time(700_000)}, the new normal from ${time(1_000_000)} on`);
});

test("what is adapted to stands for an hour, until it recovers or another level becomes the normal one", () => {
  const watching = { ready: ["a"], learning: [], unjudged: [] };
  const settled = anomaly({ phase: "resolved", adapted: true, since: 700_000 });
  const word = (told: Told[], now: number) => health(standing(incidents(told, now), now), watching);
  const { word: said, tone, why } = word([settled], 1_030_000);
  assert.deepEqual([said, tone, why], ["Not recovered", "bad", "1 anomaly taken as the new normal"]);
  assert.equal(word([{ ...settled, severity: "warning" }], 1_030_000).tone, "warn");
  assert.equal(word([settled, anomaly({ key: "o", series: "o", severity: "warning" })], 1_030_000).word, "Needs attention");
  assert.equal(word([settled], 1_000_000 + NEWS_MS).word, "Healthy");
  const next = anomaly({ key: "next", phase: "resolved", severity: "info", since: 1_010_000, at: 1_020_000 });
  assert.equal(word([settled, next], 1_030_000).word, "Not recovered", "that one ended where this one stays");
  const moved = word([settled, { ...next, adapted: true, severity: "warning" }], 1_030_000);
  assert.deepEqual([moved.word, moved.tone, moved.why], ["Not recovered", "warn", "1 anomaly taken as the new normal"]);
  assert.equal(word([{ ...settled, adapted: false, severity: "info", at: 1_020_000 }], 1_030_000).word, "Healthy", "it recovered");
});

test("an incident stands while it is told again, and its end or silence closes it", () => {
  const [open] = incidents([anomaly({ since: 900_000 })], 1_030_000);
  assert.deepEqual([open?.open, open?.since], [true, 900_000]);
  assert.equal(incidents([anomaly()], 1_000_000 + 200_000)[0]?.open, false);
  assert.equal(incidents([anomaly({ phase: "resolved" })], 1_000_000)[0]?.open, false);
  assert.equal(incidents([anomaly({ phase: null })], 1_000_000).length, 0);
});

test("latency is one thing, and requests are another than their errors", () => {
  const [slow] = incidents([anomaly({ field: "avg" })], 1_000_000);
  assert.ok(slow && concerns(slow, "request_duration_ms.p95"));
  assert.ok(slow && !concerns(slow, "llm_duration_ms.p95"));
  const [few] = incidents([anomaly({ metric: "requests", field: "rate" })], 1_000_000);
  assert.ok(few && !concerns(few, "requests.error_rate"));
});

test("the dashboard in a word follows the gravest open incident", () => {
  const watching = { ready: ["a"], learning: [], unjudged: [] };
  const open = (severity: "warning" | "critical") => incidents([anomaly({ severity })], 1_000_000);
  assert.equal(health([], watching).word, "Healthy");
  assert.equal(health(open("warning"), watching).word, "Needs attention");
  assert.equal(health(open("critical"), watching).word, "Unwell");
  assert.equal(health([], { ready: [], learning: ["a"], unjudged: [] }).word, "Learning");
});

test("what is not judged is neither good nor bad", () => {
  const watching = { ready: ["a"], learning: [], unjudged: ["b: 4 requests in 8 s, 10 needed"] };
  const word = (told: Told[], now = 1_000_000, page = "live") => health(standing(incidents(told, now), now), watching, page);
  const lacking = anomaly({ phase: "ongoing", unjudged: "no requests in 8 s, 10 needed" });
  assert.deepEqual([word([lacking]).word, word([lacking]).tone], ["Not judged", "quiet"]);
  assert.equal(word([lacking]).why, "1 anomaly: no requests in 8 s, 10 needed");
  assert.equal(word([lacking, anomaly({ key: "o" })]).word, "Unwell", "another one is judged");
  assert.equal(word([]).word, "Healthy");
  assert.equal(word([]).why, "no open anomaly; 1 series not judged");
  assert.equal(health([], { ready: [], learning: [], unjudged: ["b: few"] }).word, "Not judged");
  assert.equal(word([anomaly()], 1_000_000 + 200_000).word, "Not judged", "told no further, and never closed");
  const lapsed = anomaly({ phase: "resolved", severity: "info", unjudged: "no requests in 8 s, 10 needed" });
  assert.equal(word([lapsed]).word, "Healthy");
});

test("what is told of the past, or known of it only, makes nothing unwell", () => {
  const watching = { ready: ["a"], learning: [], unjudged: [] };
  const word = (told: Told[], page: string) => health(standing(incidents(told, 1_000_000), 1_000_000), watching, page).word;
  assert.equal(word([anomaly({ catching_up: true })], "live"), "Catching up");
  assert.equal(word([anomaly()], "catching up"), "Catching up");
  assert.equal(word([anomaly()], "stale"), "Not judged");
  assert.equal(word([anomaly()], "live"), "Unwell");
  assert.equal(word([anomaly()], "incomplete"), "Unwell");
  assert.equal(word([], "incomplete"), "Not judged", "what is missing may be what is wrong");
});

test("nobody is healthy by the word of a predictor that speaks no more", () => {
  const watching = { ready: ["a"], learning: [], unjudged: [] };
  const forecast = (horizon_ms: number, at: number) => anomaly({ kind: "forecast", phase: null, horizon_ms, at, key: `${horizon_ms}` });
  const told = [forecast(900_000, 1_000_000), forecast(86_400_000, 9_000_000)];
  assert.equal(silence(told, 1_030_000), 30_000);
  assert.equal(silence([anomaly()], 9_000_000), 0, "nothing is known of who never made a forecast");
  assert.equal(health([], watching, "live", silence(told, 1_030_000)).word, "Healthy");
  const said = health([], watching, "live", silence(told, 1_000_000 + MUTE_MS));
  assert.deepEqual([said.word, said.tone, said.why], ["Not judged", "quiet", "the predictor has said nothing for 5 min"]);
});

test("the series that are not judged are listed with the reason, whatever was told of their incidents", () => {
  const state = anomaly({ phase: null, at: 5, key: "s", unjudged: "4 requests in 8 s, 10 needed" });
  const said = { ready: [], learning: [], unjudged: ["Request duration p95: 4 requests in 8 s, 10 needed"] };
  assert.deepEqual(watched([state, anomaly({ phase: "resolved", at: 9 })]), said);
  assert.deepEqual(watched([state, { ...state, at: 6, unjudged: null }]).ready, ["Request duration p95"]);
});

test("an alarm says the value, the band and the window that decided, and counts what is rare", () => {
  const entry = { ...DASHBOARD.values[0]!, name: "requests.error_rate", field: "error_rate", unit: "share" };
  const duration = { ...entry, name: "request_duration_ms.avg", metric: "request_duration_ms", field: "avg", unit: "ms" };
  const units = new Units({ ...DASHBOARD, values: [entry, duration] });
  const told = (fields: Partial<Told>) => finding(anomaly(fields), units);
  const errors = { metric: "requests", field: "error_rate", value: 0.4375, expected: 0.01, lower: 0, upper: 0.12, window_ms: 8_000, observations: 16 };
  assert.equal(told(errors), "43.8 % (7 of 16) over 8 s, expected 0 % to 12.0 %");
  const rate = { metric: "requests", field: "rate", value: 0.375, expected: 5, lower: 2, upper: 10, window_ms: 8_000 };
  assert.equal(told(rate), "0.38/s (3) over 8 s, expected 2.0/s to 10.0/s: 1/13 as much");
  assert.equal(told({ ...rate, value: 3.88 }), "3.88/s (31) over 8 s, expected 2.0/s to 10.0/s", "as expected is no times as much");
  assert.equal(told({ ...rate, statistic: "gap", value: 0, lower: 1 / 15, window_ms: 17_000 }), "nothing came for 17 s, expected no longer than 15 s");
  const slow = { metric: "request_duration_ms", field: "avg", statistic: "likelihood", unit: "", value: 14.2, expected: 0, lower: -4, upper: 6.1, observed: 4580, usual: 880, window_ms: 8_000 } as const;
  assert.equal(told(slow), "4.58 s on average over 8 s, usually 880 ms: slower than its last minutes explain, evidence 14.2, expected -4.0 to 6.1");
  const lacking = { ...errors, phase: "ongoing", unjudged: "no requests in 8 s, 10 needed", judged_at: 900_000 } as const;
  assert.equal(told(lacking), `not judged: no requests in 8 s, 10 needed; last judged at ${time(900_000)}: 43.8 % (7 of 16) over 8 s, expected 0 % to 12.0 %`);
  assert.equal(told({ ...lacking, phase: "resolved", value: null }), "not judged any more, no requests in 8 s, 10 needed: whether it recovered is not known");
});

test("a series that was learnt is no longer learning", () => {
  const state = (at: number, value: "learning" | "ready") => anomaly({ phase: null, at, state: value, key: `${at}` });
  assert.deepEqual(watched([state(2, "ready"), state(1, "learning")]), { ready: ["Request duration p95"], learning: [], unjudged: [] });
  const [half] = watched([{ ...state(1, "learning"), confidence: 0.5 }]).learning;
  assert.equal(half, "Request duration p95, 50 %");
});

test("what the service shows is on the page, also where no layout knows it, and the rest is left out", () => {
  const known = layoutOf(DASHBOARD);
  assert.deepEqual(known.tiles.map((tile) => tile.value), ["requests.rate"]);
  assert.deepEqual(known.charts.map((chart) => chart.title), ["Requests by service", "Brand new average"]);
  const unknown = layoutOf({ ...DASHBOARD, name: "somebody's own" });
  assert.deepEqual(unknown.charts.map((chart) => chart.lines.length), [2, 2]);
});

test("what the numbers miss is said in words, before anything about their age", () => {
  const made = board(GOOD);
  assert.equal(status({ state: "open" }, made, 0, 0).word, "live");
  made.problems = ["analytics does not read EVENTS: its consumer is paused", "INSIGHTS cannot be read"];
  const said = status({ state: "open" }, made, 0, 0);
  assert.equal(said.word, "incomplete");
  assert.equal(said.tone, "warn");
  assert.equal(said.why, "These numbers are not complete: analytics does not read EVENTS: its consumer is paused; INSIGHTS cannot be read.");
});
