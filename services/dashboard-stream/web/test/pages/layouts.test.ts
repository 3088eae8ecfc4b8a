import assert from "node:assert/strict";
import { test } from "node:test";
import { title } from "../../src/model/names.ts";
import { layoutOf } from "../../src/pages/layouts.ts";
import { DASHBOARD } from "../fixtures.ts";

test("what the service shows is on the page, also where no layout knows it, and the rest is left out", () => {
  const known = layoutOf(DASHBOARD);
  assert.deepEqual(known.tiles.map((tile) => tile.value), ["requests.rate"]);
  assert.deepEqual(known.charts.map((chart) => chart.title), ["Requests by service", "Brand new average"]);
  const unknown = layoutOf({ ...DASHBOARD, name: "somebody's own" });
  assert.deepEqual(unknown.charts.map((chart) => chart.lines.length), [2, 2]);
  assert.deepEqual(unknown.tiles.map((tile) => [tile.title, tile.spark]), [["Requests rate", "requests.rate"]]);
});

test("a metric that is not built in is called what people called it", () => {
  const kpi = { name: "good-answers.value", metric: "good-answers", field: "value", title: "good <b>answers</b>", unit: "%", labels: [], total: true, resolution: "1m" };
  const orders = { ...kpi, name: "orders.rate", metric: "orders", field: "rate", title: "orders", labels: ["shop"], resolution: "1s" };
  const { charts, tiles } = layoutOf({ ...DASHBOARD, name: "own_metrics", series: [kpi, orders], values: [kpi, orders] });
  assert.deepEqual(charts.map((chart) => chart.title), ["good <b>answers</b>", "orders rate"]);
  assert.deepEqual(tiles.map((tile) => tile.title), ["good <b>answers</b>", "orders rate"]);
});
