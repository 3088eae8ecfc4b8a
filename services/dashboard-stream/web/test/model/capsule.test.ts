import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { packed, unpacked } from "../../src/live/capsule.ts";
import { boardOfCapsule, type Capsule, CAPSULE_VERSION, CapsuleFault, capsuleName, capsuleOf, citedTraces, MOST_BYTES, readCapsule } from "../../src/model/capsule.ts";
import { insightsAt, type InsightVersion, type Note } from "../../src/model/notes.ts";
import { boardOf, wantedOf } from "../../src/model/past.ts";
import { anomaly, DASHBOARD } from "../fixtures.ts";

const FROM = 1_772_370_000_000;
const TO = FROM + 3_600_000;
const NOTE: Note = { id: "1", revision: 1, at: FROM + 1, text: "<script>alert(1)</script>" };
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const INSIGHT = { ...anomaly({ at: FROM + 60_000, message: `see trace ${TRACE}.` } as never), published_at: FROM + 61_000, last_at: FROM + 90_000 } as InsightVersion;

function answered() {
  const [set] = wantedOf(DASHBOARD.series, TO - FROM);
  assert.ok(set);
  const series = (labels: Record<string, string>, total: number) => ({ labels, total, points: [[FROM, total], [FROM + 30_000, null]] });
  const answers = set.wanted.map(({ label }, i) => ({ name: "", unit: "", series: [series(label ? { [label]: "<b>" } : {}, i + 1)] })) as never;
  return [{ wanted: set.wanted, answers, resolution: "30s", serviceNames: { a: "Shop A" } }];
}

function capsule(): Capsule {
  return capsuleOf(DASHBOARD, { from: FROM, to: TO }, { answered: answered(), insights: [INSIGHT], notes: [NOTE], traces: [], problems: ["a"] }, TO + 5);
}

test("what is packed is unpacked as it was, and its board is that of the stored numbers", async () => {
  const made = capsule();
  const read = await unpacked(await packed(made));
  assert.deepEqual(read, JSON.parse(JSON.stringify(made)));
  assert.deepEqual(await unpacked(new Blob([JSON.stringify(made)])), read);
  const shown = boardOfCapsule(read);
  const stored = boardOf(answered(), { from: FROM, to: TO }, TO + 5, ["a"]);
  assert.deepEqual([shown.values, shown.lines, shown.range?.steps], [stored.values, stored.lines, stored.range?.steps]);
  assert.equal(shown.given("service", "a"), "Shop A");
  assert.equal(insightsAt(read.insights, { from: FROM }, TO).length, 1);
  assert.deepEqual(citedTraces(read.insights), [TRACE]);
  assert.equal(capsuleName(read), "system_overview-2026-03-01T1300Z.capsule.json.gz");
});

function fault(changed: object | string): string {
  try {
    readCapsule(typeof changed === "string" ? changed : JSON.stringify({ ...capsule(), ...changed }));
  } catch (error) {
    assert.ok(error instanceof CapsuleFault, String(error));
    return error.message;
  }
  return "";
}

test("what is no capsule, or a damaged one, is refused in words", () => {
  assert.equal(fault({}), "");
  assert.equal(fault({ dashboard: { ...DASHBOARD, panels: [{ kind: "stat", title: "x", value: { metric: "m", field: "rate", only: { name: ["a", "b"] } } }] } }), "");
  for (const text of ["", "{", "[]", "null", "{}", '"x"', "<html><script>alert(1)</script>", "[".repeat(1_000_000)]) assert.match(fault(text), /^This file is no capsule/);
  assert.match(fault({ drishti_capsule: CAPSULE_VERSION + 1 }), /open it with a later Drishti/);
  for (const version of ["1", 0, 1.5, null, -1]) assert.match(fault({ drishti_capsule: version }), /no capsule/);
  const part = () => capsule().answers[0] as Capsule["answers"][number];
  const series = (points: unknown) => ({ answers: [{ ...part(), answers: [{ series: [{ labels: {}, total: 1, points }] }] }] });
  let nested: unknown = 1;
  for (let i = 0; i < 100; i++) nested = [nested];
  const damaged: object[] = [
    { from: TO, to: FROM },
    { from: 1 },
    { to: 1e300 },
    { made_at: "now" },
    { dashboard: null },
    { dashboard: { ...DASHBOARD, name: "../x" } },
    { dashboard: { ...DASHBOARD, panels: [{ kind: 1 }] } },
    ...[{ lines: [{ metric: "requests", field: "rate", name: [[]] }] }, { text: "x".repeat(10_001) }, { thresholds: [{ value: 1, word: {} }] }, { bands: [{ lower: "1", word: "a" }] }].map(
      (fields) => ({ dashboard: { ...DASHBOARD, panels: [{ kind: "time_series", title: "x", ...fields }] } }),
    ),
    { dashboard: { ...DASHBOARD, series: [{ name: "a" }] } },
    { dashboard: { ...DASHBOARD, title: ["x"] } },
    { answers: {} },
    { answers: [{ ...part(), resolution: "1ms" }] },
    { answers: [{ ...part(), resolution: "__proto__" }] },
    { answers: [{ ...part(), resolution: "constructor" }] },
    { answers: [{ ...part(), service_names: { a: 1 } }] },
    series([[FROM, "1"]]),
    series([[FROM, 1], [FROM, 2]]),
    series([["x", 1]]),
    series(Array.from({ length: 1_001 }, (_, i) => [FROM + i, 1])),
    { insights: [{ at: FROM }] },
    { insights: Array.from({ length: 2_001 }, () => INSIGHT) },
    { notes: [{ ...NOTE, text: 5 }] },
    { notes: [{ ...NOTE, tags: [{}] }] },
    { notes: [{ ...NOTE, text: "x".repeat(300_000) }] },
    { traces: Array.from({ length: 11 }, () => ({})) },
    { problems: [{}] },
    { more: nested },
  ];
  for (const one of damaged) assert.match(fault(one), /^This capsule is damaged/, JSON.stringify(one).slice(0, 200));
  assert.match(fault(JSON.stringify(capsule()).replace('"problems"', '"x":{"__proto__":{"a":1}},"problems"')), /damaged/);
});

test("a bomb, a broken archive and what is no text are refused before they are read", async () => {
  const refused = async (content: Uint8Array | string) => unpacked(new Blob([content as never])).then(() => "", (error: Error) => (error instanceof CapsuleFault ? error.message : `not caught: ${error}`));
  const bomb = gzipSync(Buffer.alloc(MOST_BYTES + 1, 32), { level: 9 });
  assert.ok(bomb.length < 100_000);
  assert.match(await refused(bomb), /unpacked it has more than 64 MiB/);
  assert.match(await refused(gzipSync(JSON.stringify(capsule())).subarray(0, 100)), /cannot be unpacked/);
  assert.match(await refused(Uint8Array.from([0x1f, 0x8b, 1, 2, 3])), /cannot be unpacked/);
  assert.match(await refused(Uint8Array.from([0xff, 0xfe, 0])), /no text/);
  assert.match(await refused(Buffer.alloc(9 * 2 ** 20, 32)), /too large/);
});

const RANGE = { from: FROM, to: TO, at: TO };
const NAMES = { service_names: { a: "Shop A" } };
const TRAFFIC = { calls: 1, rate: 0.1, error_rate: 0, p95_ms: null };
const PANEL_ANSWERS: Record<string, unknown> = {
  traces: { ...NAMES, traces: [{ trace_id: TRACE, service: "a", operation: "GET /", start_ms: FROM, duration_ms: 3, spans: 2, errors: 0 }] },
  errors: { ...NAMES, errors: [{ fingerprint: "f", title: "t", culprit: "c", service: "a", status: "open", in_range: 1, count: 2, first_seen_ms: FROM, last_seen_ms: TO, counts: [0, 1] }] },
  service_map: { ...NAMES, nodes: [{ id: "service:a", kind: "service", name: "a", traffic: TRAFFIC }], edges: [{ caller: "service:a", callee: "service:a", share: 1, traffic: TRAFFIC }] },
  histogram: { ...RANGE, unit: "ms", spread: { bins: [{ from: 1, to: 2, count: 3 }], count: 3, p50: 1, p95: 2, steps: [[FROM, [3]]] } },
  query: { ...RANGE, resolution: "30s", unit: "", before: null, problems: [], totals: [{ query: 0, series: { labels: {}, total: 1, points: [[FROM, 1], [FROM + 1, null]] }, labels: {}, group: "", others: false }] },
};

function withPanels(answers: Record<string, unknown>): object {
  const panels = Object.keys(PANEL_ANSWERS).map((kind) => ({ kind, id: kind, title: kind, ...(kind === "query" ? { queries: [{ expression: "count(a)" }] } : {}) }));
  return { dashboard: { ...DASHBOARD, panels }, panels: answers };
}

test("what panels of stored spans and numbers show is read as it was stored", () => {
  assert.equal(fault(withPanels(PANEL_ANSWERS)), "");
  assert.equal(fault(withPanels({})), "");
  assert.deepEqual(readCapsule(JSON.stringify({ ...capsule(), ...withPanels(PANEL_ANSWERS) })).panels, PANEL_ANSWERS);
});

/** `value` with another one at each place of it that is a number, a text, a list or a record, one at a time. */
function* changed(value: unknown, other: unknown): Generator<unknown> {
  if (value !== null) yield other;
  if (Array.isArray(value)) for (const [i, one] of value.entries()) for (const inner of changed(one, other)) yield value.with(i, inner);
  else if (typeof value === "object" && value !== null) for (const [name, one] of Object.entries(value)) for (const inner of changed(one, other)) yield { ...value, [name]: inner };
}

test("an answer of a panel that is not as its kind has it is refused, wherever it is wrong", () => {
  for (const [kind, answer] of Object.entries(PANEL_ANSWERS)) {
    for (const wrong of changed(answer, [{}])) assert.match(fault(withPanels({ [kind]: wrong })), new RegExp(`what panel ${kind} shows`), JSON.stringify(wrong));
  }
  const query = PANEL_ANSWERS["query"] as { totals: object[] };
  for (const wrong of [{ ...query, totals: [{ ...query.totals[0], query: 1 }] }, { ...query, totals: [{ ...query.totals[0], query: 0.5 }] }, { ...query, before: [] }]) assert.match(fault(withPanels({ query: wrong })), /what panel query shows/);
  assert.match(fault(withPanels({ nowhere: PANEL_ANSWERS["traces"] })), /what panel nowhere shows/);
  assert.match(fault(withPanels([] as never)), /its answers to panels are none/);
});

test("a million points and more are refused in words", () => {
  const points = Array.from({ length: 1_000 }, (_, i) => [FROM + i, i]);
  const of = (lines: number) => ({ answers: [{ ...(capsule().answers[0] as Capsule["answers"][number]), answers: [{ series: Array.from({ length: lines }, () => ({ labels: {}, total: 1, points })) }] }] });
  assert.equal(fault(of(1_000)), "");
  assert.match(fault(of(1_001)), /more than 1,000,000 points/);
});
