import assert from "node:assert/strict";
import { test } from "node:test";
import { generated, generatedOf } from "../../src/builder/generated.ts";
import { askedBy, describedAs, frameOf } from "../../src/builder/preview.ts";
import { KINDS, newPanel, ofMetric, retitled, unanswered } from "../../src/builder/questions.ts";
import { Board } from "../../src/model/board.ts";
import type { Kind, Metric } from "../../src/model/metrics.ts";
import { type Panel, questionsOf } from "../../src/model/panels.ts";

const FIELDS: Record<Kind, Record<string, string>> = {
  counter: { count: "1", rate: "1/s", error_rate: "1" },
  gauge: { avg: "By", max: "By" },
  distribution: { count: "1", rate: "1/s", avg: "ms", p50: "ms", p95: "ms" },
  unique: { uniques: "{user}" },
  derived: { value: "%" },
};

function metric(token: string, kind: Kind, ...by: string[]): Metric {
  return {
    name: token.replaceAll("_", " "),
    token,
    kind,
    unit: "1",
    dimensions: by,
    description: "",
    published: [[], ...by.map((label) => [label])],
    fields: FIELDS[kind],
    enabled: true,
    watched: false,
    forecast: false,
    max_series: 1000,
    origin: "built_in",
    revision: 0,
  };
}

const METRICS = [metric("errors", "gauge"), metric("requests", "counter", "service", "route"), metric("request_ms", "distribution", "service"), metric("good_answers", "derived")];

/** Words, what models say, and what is asked of stored spans, numbers and events. */
const ASKING_NOTHING = new Set(["text", "events", "incidents", "forecast_scores", "traces", "errors", "service_map", "histogram", "query", "funnel", "retention", "journeys"]);

test("each kind of panel begins with something that can be drawn", () => {
  for (const kind of Object.keys(KINDS)) {
    const panel = newPanel(kind, METRICS);
    assert.equal(panel.kind, kind);
    assert.deepEqual(unanswered(panel, METRICS), [], kind);
    assert.ok(askedBy(panel, METRICS).length > 0 || ASKING_NOTHING.has(kind), kind);
  }
  // Without any metric there is a panel all the same, which says what it lacks.
  for (const kind of Object.keys(KINDS)) assert.ok(unanswered(newPanel(kind, []), []).length > 0 || ASKING_NOTHING.has(kind), kind);
});

test("another metric keeps of the question what it has, too", () => {
  const question = { metric: "requests", field: "rate", by: "service" };
  assert.deepEqual({ ...ofMetric(question, "request_ms", METRICS) }, { metric: "request_ms", field: "p95", by: "service", resolution: undefined });
  assert.equal(ofMetric({ ...question, field: "count", by: "route" }, "request_ms", METRICS).field, "count");
  assert.equal(ofMetric({ ...question, by: "route" }, "request_ms", METRICS).by, undefined);
  assert.equal(ofMetric(question, "good answers", METRICS).metric, "good_answers");
  assert.equal(ofMetric(question, "good answers", METRICS).resolution, "1m");
  // The rate of a counter is not what is asked of a distribution first, but is kept where it was asked of one.
  const calls = { ...question, metric: "request_ms", field: "rate" };
  assert.equal(ofMetric(calls, "request_ms", METRICS).field, "rate");
  assert.equal(ofMetric({ ...calls, metric: "reque" }, "request_ms", METRICS).field, "p95");
  // What is typed half is kept as it is.
  assert.deepEqual(ofMetric(question, "reque", METRICS), { ...question, metric: "reque" });
});

test("a panel is called by what it asks until somebody names it", () => {
  const made = newPanel("stat", METRICS) as Panel & { kind: "stat" };
  assert.equal(made.title, "requests rate");
  const half = retitled(made, { ...made, value: { ...made.value, metric: "request_" } }, METRICS) as typeof made;
  assert.equal(half.title, "requests rate");
  const other = retitled(half, { ...half, value: { metric: "request_ms", field: "p95" } }, METRICS);
  assert.equal(other.title, "request ms p95");
  const named = { ...made, title: "Orders" };
  assert.equal(retitled(named, { ...named, value: { metric: "request_ms", field: "p95" } }, METRICS).title, "Orders");
  assert.equal(retitled(made, named, METRICS).title, "Orders");
});

test("a number of a preview is of a whole minute, where there is one", () => {
  const asked = askedBy(newPanel("stat", METRICS), METRICS);
  const minute = 60_000;
  const answer = (points: [number, number][]) => ({ series: [{ labels: {}, total: 1, points }] }) as unknown as Parameters<typeof frameOf>[1][number];
  const now = 10 * minute + 20_000;
  assert.equal(frameOf(asked, [answer([[9 * minute, 8], [10 * minute, 3]])], {}, now).data.values["requests.rate"], 8);
  assert.equal(frameOf(asked, [answer([[10 * minute, 3]])], {}, now).data.values["requests.rate"], 3);
});

test("what would be left out is said at its place", () => {
  const places = (panel: Panel) => unanswered(panel, METRICS).map((fault) => fault.field);
  assert.deepEqual(places({ kind: "stat", title: "t", value: { metric: "nothing", field: "rate" }, more: [{ metric: "requests", field: "p95", text: "x" }] }), ["value.metric", "more[0].field"]);
  assert.deepEqual(places({ kind: "time_series", title: "t", lines: [{ metric: "requests", field: "rate", by: "plan" }] }), ["lines[0].by"]);
  assert.deepEqual(places({ kind: "table", title: "t", by: "route", head: "h", columns: [{ metric: "request_ms", field: "p99.9", title: "c" }] }), ["by"]);
  assert.deepEqual(questionsOf({ kind: "brand_new", title: "t" } as unknown as Panel), []);
});

test("a preview asks each thing once, spans by themselves, and its frame is as the service's", () => {
  const panel: Panel = {
    kind: "time_series",
    title: "t",
    lines: [{ metric: "requests", field: "rate" }, { metric: "requests", field: "rate", by: "service" }, { metric: "requests", field: "rate", by: "service", total: false }],
  };
  const asked = askedBy(panel, METRICS);
  assert.deepEqual(asked.map((one) => one.by), [null, "service"]);
  const span = askedBy({ kind: "stat", title: "t", value: { metric: "requests", field: "count", span: "24h" } }, METRICS);
  assert.deepEqual(span.map((one) => [one.reading, one.span, one.ms]), [["requests.count.24h", true, 86_400_000]]);

  const now = 10_000_000;
  const answer = (labels: Record<string, string>, v: number) => ({ labels, total: v, points: [[now - 60_000, v], [now, null]] as [number, number | null][] });
  const board = new Board();
  assert.ok(board.take(frameOf(asked, [{ unit: "1/s", series: [answer({}, 5)] }, { unit: "1/s", series: [answer({ service: "web" }, 3), answer({}, 2)] }], {}, now)));
  assert.equal(board.value("requests.rate"), 5);
  assert.equal(board.value("requests.rate{service=web}"), 3);
  assert.deepEqual(board.labelValues("requests.rate", "service"), ["web"]);
  const described = describedAs(panel, METRICS);
  assert.deepEqual(described.series.map((entry) => [entry.name, entry.unit, entry.resolution]), [["requests.rate", "1/s", "1m"]]);
});

test("a dashboard of one value asks everything that is live by its dimension, of that value alone", () => {
  const requests = { ...metric("requests", "counter", "service", "route"), published: [[], ["service"], ["service", "route"]] };
  const all = [metric("other", "gauge", "service"), metric("of_models", "counter", "model"), requests];
  const document = generatedOf("service", "$wisdom", all);
  const panels = document.panels ?? [];
  assert.deepEqual(panels.map((panel) => panel.title), ["requests rate", "requests error rate", "other average", "requests rate by route", "other average"]);
  assert.deepEqual(panels.flatMap((panel) => unanswered(panel, all)), []);
  for (const [, question] of panels.flatMap(questionsOf)) assert.deepEqual(question.only, { service: "$$wisdom" });
  assert.equal(document.name, "service-wisdom");
  assert.deepEqual(generatedOf("nothing", "x", all).panels, []);
});

test("a generated dashboard asks only what is there", () => {
  for (const { token } of METRICS) {
    const document = generated(token, METRICS);
    const panels = document.panels ?? [];
    assert.ok(panels.length > 1, token);
    assert.equal(new Set(panels.map((panel) => panel.id)).size, panels.length);
    assert.deepEqual(panels.flatMap((panel) => unanswered(panel, METRICS)), [], token);
  }
});
