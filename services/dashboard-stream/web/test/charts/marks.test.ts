import assert from "node:assert/strict";
import { test } from "node:test";
import { confidence, sentence, short } from "../../src/model/anomaly.ts";
import type { InsightEvent } from "../../src/model/board.ts";
import type { ChartLine } from "../../src/charts/chart-lines.ts";
import { lineFigure } from "../../src/charts/figure.ts";
import { incidents } from "../../src/model/incidents.ts";
import { learningSeries } from "../../src/model/watching.ts";
import { alpha } from "../../src/charts/canvas.ts";
import type { Forecast } from "../../src/charts/forecast-marks.ts";
import type { Palette } from "../../src/charts/palette.ts";

const NOW = 1_000_000;
const FROM = NOW - 300_000;
const COLOURS: Palette = {
  surface: "#ffffff",
  raised: "#ffffff",
  line: "#dddddd",
  text: "#000000",
  muted: "#666666",
  good: "#1b7f5c", warn: "#aa6600",
  bad: "#bb3333",
  series: ["#0b7a6b"],
  ramp: ["#ffffff"],
};
const LINE: ChartLine = {
  series: "memory_usage_bytes.avg{service=retrieval}",
  title: "retrieval",
  entry: { name: "memory_usage_bytes.avg", metric: "memory_usage_bytes", field: "avg", unit: "1", labels: ["service"], total: false },
  last: 20,
  slot: 0,
  dashed: false,
  points: { x: [FROM, NOW - 100_000, NOW - 50_000, NOW], y: [5, 10, 15, 20] },
};

function anomaly(fields: Partial<InsightEvent> = {}): InsightEvent {
  return {
    insight_id: "i",
    tenant: "default",
    kind: "anomaly",
    metric: "memory_usage_bytes",
    field: "avg",
    labels: { service: "retrieval" },
    state: "ready",
    at: NOW,
    since: NOW - 100_000,
    model: "m",
    phase: "ongoing",
    series: LINE.series,
    key: "i",
    severity: "warning",
    ...fields,
  };
}

function figure(told: InsightEvent[], forecast: Forecast | null = null) {
  const chart = { lines: [LINE], more: 0, from: FROM, now: NOW };
  return lineFigure(chart, { incidents: incidents(told, NOW), forecast, ahead: null }, "1", undefined, COLOURS, { width: 400, height: 200 });
}

function ahead(fields: Partial<Forecast> = {}): Forecast {
  const points = [10_000, 20_000, 30_000].map((ms) => [NOW + ms, 20, 18, 22, 15, 25]);
  return { line: LINE, points, interval: 0.8, outer: 0.95, learning: false, threshold: null, ...fields };
}

test("an anomaly is a sentence, of the present while it goes on and of the past when it is over", () => {
  assert.equal(sentence(anomaly({ anomaly: "drift", direction: "up" })), "Memory usage of service retrieval drifts upwards");
  assert.equal(sentence(anomaly({ anomaly: "drift", direction: "down" }), true), "Memory usage of service retrieval drifted downwards");
  const total = { metric: "llm_requests", field: "rate", labels: {} };
  assert.equal(sentence(anomaly({ ...total, anomaly: "silence", direction: "down" })), "LLM request rate is silent");
  assert.equal(sentence(anomaly({ ...total, anomaly: "silence", direction: "down", value: 3.88 })), "LLM request rate drops");
  assert.equal(sentence(anomaly({ ...total, anomaly: "shift", direction: "down" })), "LLM request rate has moved to a lower level");
  assert.equal(sentence(anomaly({ metric: "active_users", field: "uniques", labels: {}, anomaly: "variance" })), "Number of active users varies more than usual");
});

test("an anomaly whose sort nobody says is high or low", () => {
  assert.equal(sentence(anomaly({ direction: "up" })), "Memory usage of service retrieval is unusually high");
  assert.equal(sentence(anomaly({ direction: "down" }), true), "Memory usage of service retrieval was unusually low");
  assert.equal(sentence(anomaly()), "Memory usage of service retrieval is unusual");
  assert.deepEqual([short(anomaly({ direction: "down" })), short(anomaly({ anomaly: "variance" })), confidence(anomaly())], ["low", "variance", ""]);
  assert.equal(confidence(anomaly({ confidence: 0.915 })), "confidence 92 %");
});

test("an open incident has its span, its expected band and its sort in words at the mark; one that is over has no band", () => {
  const told = anomaly({ anomaly: "drift", direction: "up", lower: 4, expected: 5, upper: 6 });
  const { data, layout, pointed } = figure([told]);
  const bands = (layout.shapes ?? []).filter((shape) => shape.type === "rect" && shape.yref === "y");
  assert.deepEqual(bands.map((band) => [band.x0, band.x1, band.y0, band.y1]), [[NOW - 100_000, NOW, 4, 6]]);
  assert.deepEqual(layout.annotations?.map((one) => one.text), ["drift, warning"]);
  assert.deepEqual((data.at(-1) as { x: number[] }).x, [NOW - 100_000]);
  assert.deepEqual(pointed?.marks, [{ x: NOW - 100_000, text: ["Memory usage of service retrieval", "drifts upwards"] }]);
  const over = figure([{ ...told, phase: "resolved", severity: "info", gravest: "warning" }]);
  assert.equal(over.layout.shapes?.some((shape) => shape.yref === "y"), false);
  assert.deepEqual(over.layout.annotations?.map((one) => one.text), ["drift, warning"]);
});

test("what is adapted to has a closed span in the colour of its severity, no band, and says that it did not recover", () => {
  const told = anomaly({ anomaly: "shift", direction: "up", lower: 4, expected: 5, upper: 6, phase: "resolved", adapted: true, severity: "critical", at: NOW - 20_000 });
  const { layout, pointed } = figure([told]);
  const shapes = layout.shapes ?? [];
  assert.deepEqual(shapes.filter((shape) => shape.type === "rect").map((shape) => [shape.x0, shape.x1, shape.yref]), [[NOW - 100_000, NOW - 20_000, "paper"]]);
  assert.equal(shapes[0]?.fillcolor, alpha(COLOURS.bad, 0.1));
  assert.deepEqual(layout.annotations?.map((one) => one.text), ["shift, critical"]);
  assert.deepEqual(pointed?.marks[0]?.text, ["Memory usage of service retrieval", "has moved to a higher level", "not recovered: the new normal"]);
});

test("an escalation is a mark of its own, and what escalated began less grave", () => {
  const told = anomaly({ anomaly: "spike", direction: "up", severity: "critical", gravest: "critical", escalated_at: NOW - 50_000 });
  const { data, layout } = figure([told]);
  const marks = data.at(-1) as { x: number[]; marker: { symbol: string[]; color: string[] } };
  assert.deepEqual(marks.x, [NOW - 50_000, NOW - 100_000]);
  assert.deepEqual(marks.marker.symbol, ["diamond", "triangle-up"]);
  assert.deepEqual(marks.marker.color, [COLOURS.bad, COLOURS.warn]);
  assert.deepEqual(layout.annotations?.map((one) => one.text), ["escalated to critical", "spike, warning"]);
});

test("an incident that began before the time shown is told where that begins, and a silent line at its last point", () => {
  assert.deepEqual((figure([anomaly({ since: FROM - 60_000, direction: "up" })]).data.at(-1) as { x: number[] }).x, [FROM]);
  const silent = anomaly({ since: NOW + 1, at: NOW + 1, anomaly: "silence" });
  assert.deepEqual((figure([silent]).data.at(-1) as { x: number[] }).x, [NOW]);
});

test("a forecast has its mean and both bands, one of an older producer a single band", () => {
  const traces = figure([], ahead()).data as { fill?: string; line: { dash?: string }; y: number[] }[];
  assert.deepEqual(traces.map((one) => one.y[0]), [15, 25, 18, 22, 20, 5]);
  assert.equal(traces[4]?.line.dash, "dot");
  const older = figure([], ahead({ points: ahead().points.map((point) => point.slice(0, 4)), outer: null }));
  assert.equal(older.data.length, 4);
});

test("a forecast that still learns is dashed and says so", () => {
  const mean = figure([], ahead({ learning: true })).data[4] as { name: string; line: { dash: string } };
  assert.deepEqual([mean.name, mean.line.dash], ["forecast, learning", "dash"]);
});

test("a threshold near the lines is drawn, one far above them is not", () => {
  const words = (threshold: number) => figure([], ahead({ threshold })).layout.annotations?.map((one) => one.text);
  assert.deepEqual(words(24), ["threshold 24.00"]);
  assert.deepEqual(words(240), []);
});

test("series of which the newest word is learning are learning", () => {
  const state = (series: string, at: number, state: "learning" | "ready") => anomaly({ series, at, state, phase: null, key: `${series}${at}` });
  assert.deepEqual([...learningSeries([state("a", 1, "learning"), state("a", 2, "ready"), state("b", 1, "learning")])], ["b"]);
});

test("the axis of a share ends at 100 %, and so does everything that is drawn in it, whatever a model expects", () => {
  const entry = { ...LINE.entry, name: "llm_requests.error_rate", metric: "llm_requests", field: "error_rate", unit: "1" };
  const y = (LINE.points.y as number[]).map((value) => value / 20);
  const line: ChartLine = { ...LINE, series: "llm_requests.error_rate", entry, points: { ...LINE.points, y } };
  const wide = anomaly({ metric: entry.metric, field: entry.field, series: line.series, labels: {}, expected: 1.1, lower: 0.6, upper: 1.9 });
  const points = ahead().points.map(([at]) => [at as number, 1.2, 0.8, 1.9, 0.5, 2.4]);
  const forecast = ahead({ line, points, threshold: 1.5 });
  const chart = { lines: [line], more: 0, from: FROM, now: NOW };
  const marks = { incidents: incidents([wide], NOW), forecast, ahead: null };
  const { data, layout } = lineFigure(chart, marks, "share", undefined, COLOURS, { width: 400, height: 200 });
  assert.deepEqual(layout.yaxis?.range, [0, 100]);
  // A share that a tenant named is one, too; where nothing failed the axis is no longer than the whole either.
  const own = { ...line, entry: { ...entry, field: "cheap", unit: "share" }, points: { ...line.points, y: y.map(() => 1.7) } };
  const none = { ...line, points: { ...line.points, y: y.map(() => 0) } };
  for (const one of [own, none]) {
    const top = lineFigure({ ...chart, lines: [one] }, { ...marks, incidents: [], forecast: null }, "share", undefined, COLOURS, { width: 400, height: 200 }).layout.yaxis?.range?.[1];
    assert.ok(top <= 100, `${top}`);
  }
  const drawn = (data as { y: number[] }[]).flatMap((trace) => trace.y);
  const shapes = (layout.shapes ?? []).filter((shape) => shape.yref === "y" && shape.xref === "x");
  assert.equal(shapes.length, 2);
  assert.ok(Math.max(...drawn, ...shapes.map((shape) => shape.y1 as number)) <= 100);
});

test("an axis is as long as what is drawn, and longer only for a band that is there", () => {
  const chart = { lines: [LINE], more: 0, from: FROM, now: NOW };
  const top = (value: number, unit: string, points: number[][] | null = null) => {
    const line = { ...LINE, points: { ...LINE.points, y: LINE.points.y.map(() => value) } };
    const forecast = points && ahead({ line, points });
    const { layout } = lineFigure({ ...chart, lines: [line] }, { incidents: [], forecast, ahead: null }, unit, undefined, COLOURS, { width: 400, height: 200 });
    return layout.yaxis?.range?.[1];
  };
  assert.equal(top(10, "1"), 12);
  assert.equal(top(100, "%"), 100);
  assert.equal(top(130, "%"), 150);
  const band = (upper: number) => ahead().points.map(([at]) => [at as number, 10, 9, upper, 8, upper]);
  assert.equal(top(10, "1", band(14)), 15);
  assert.equal(top(10, "1", band(80)), 20);
});
