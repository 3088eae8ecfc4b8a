import assert from "node:assert/strict";
import { test } from "node:test";
import { about } from "../../src/model/anomaly.ts";
import { Board } from "../../src/model/board.ts";
import type { Entry } from "../../src/model/catalogue.ts";
import { linesOf } from "../../src/charts/chart-lines.ts";
import type { Frame } from "../../src/model/contracts.ts";
import { subject } from "../../src/model/finding.ts";
import { labelText, parse, phrase, title, tooltip, verbatim } from "../../src/model/names.ts";

const RATE: Entry = { name: "requests.rate", metric: "requests", field: "rate", unit: "{request}/s", labels: ["service"], total: true, resolution: "1s" };

function boardWith(names: Record<string, string>, token = "checkout-service-v2"): Board {
  const board = new Board();
  const series = `requests.rate{service=${token}}`;
  const told = { key: "k", series, at: 1, kind: "anomaly", metric: "requests", field: "rate", state: "ready", labels: { service: token } };
  const data: Frame["data"] = { values: {}, series: { [series]: [[1000, 1], [2000, 2]] }, events: [told], problems: [], service_names: names };
  board.take({ type: "snapshot", dashboard: "d", epoch: "e", seq: 1, ts: 60_000, data });
  return board;
}

test("legends and incidents show the name that a service was given, and the tooltip has its token", () => {
  const board = boardWith({ "checkout-service-v2": "Checkout Service.v2" });
  const chart = { kind: "time_series" as const, title: "t", lines: [{ metric: "requests", field: "rate", by: "service" }] };
  const [line] = linesOf(chart, board, new Map([[RATE.name, RATE]]), 60_000, 60_000).lines;
  assert.deepEqual([line?.title, line?.tooltip], ["Checkout Service.v2", "Checkout Service.v2 (service checkout-service-v2)"]);
  const told = board.insights.get("k");
  assert.ok(told);
  assert.equal(about(told), "request rate of service Checkout Service.v2");
  assert.equal(subject(told), "Requests rate · Checkout Service.v2");
});

test("a percentile's number in a legend is where its line ends, not that of the last minute", () => {
  const board = new Board();
  const p95: Entry = { ...RATE, name: "t.p95", metric: "t", field: "p95" };
  const data: Frame["data"] = { values: { "t.p95": 900, "requests.rate": 7 }, series: { "t.p95": [[50_000, 100], [51_000, 300], [52_000, 200]], "requests.rate": [[52_000, 5]] }, events: [], problems: [], service_names: {} };
  board.take({ type: "snapshot", dashboard: "d", epoch: "e", seq: 1, ts: 60_000, data });
  const last = (entry: Entry, now: number) => {
    const chart = { kind: "time_series" as const, title: "t", lines: [{ metric: entry.metric, field: entry.field }] };
    return linesOf(chart, board, new Map([[entry.name, entry]]), 600_000, now).lines[0]?.last;
  };
  assert.equal(last(p95, 60_000), 200);
  assert.equal(last(p95, 200_000), null, "what is long over is no number of now");
  assert.equal(last(RATE, 60_000), 7);
});

test("a name that comes after the incident is shown, and one that is not known any more is not", () => {
  const board = boardWith({});
  const names = () => board.insights.get("k")?.service_name;
  assert.equal(names(), undefined);
  const update = (service_names: Record<string, string>): Frame => ({
    type: "update", dashboard: "d", epoch: "e", seq: 2, ts: 1, data: { values: {}, series: {}, events: [], problems: [], service_names },
  });
  board.take(update({ "checkout-service-v2": "Checkout" }));
  assert.equal(names(), "Checkout");
  board.take(update({}));
  assert.equal(names(), undefined);
});

test("names are looked up as they are, whatever they are called", () => {
  assert.equal(boardWith({}, "constructor").given("service", "constructor"), undefined);
  assert.equal(boardWith({ a: "A!" }).given("model", "a"), undefined);
  assert.equal(labelText("model", "some_model", "X"), "some model");
  assert.equal(labelText("service", "some_service"), "some service");
});

test("a long name is cut between characters, and the tooltip has the whole", () => {
  const long = "🚀".repeat(200);
  assert.equal(labelText("service", "t", long), `${"🚀".repeat(39)}…`);
  assert.ok(tooltip("t", long)?.startsWith(long));
});

test("markup in a name is text to Plotly", () => {
  assert.equal(verbatim('<a href="x">&lt;'), '&lt;a href="x"&gt;&amp;lt;');
});

test("names of readings come apart, also with strange label values", () => {
  assert.deepEqual(parse("requests.rate"), { reading: "requests.rate", label: null, value: null });
  assert.deepEqual(parse("a.count.1h{topic={x}=1}"), { reading: "a.count.1h", label: "topic", value: "{x}=1" });
  assert.equal(title("request_duration_ms", "p95"), "Request duration p95");
  assert.equal(title("llm_requests", "error_rate"), "LLM requests error rate");
  assert.equal(phrase("llm_requests", "error_rate"), "LLM request error rate");
  assert.equal(phrase("request_duration_ms", "p95"), "request duration p95");
});

test("a metric of OpenTelemetry is words, too", () => {
  assert.equal(phrase("http-server-request-duration", "p95"), "HTTP server request duration p95");
});
