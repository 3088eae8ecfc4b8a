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
});
