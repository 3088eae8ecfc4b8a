import assert from "node:assert/strict";
import { test } from "node:test";
import { Board } from "../../src/model/board.ts";
import { type Entry, Units } from "../../src/model/catalogue.ts";
import type { Panel } from "../../src/model/panels.ts";
import { dataOf, type Drawn } from "../../src/panels/panel-data.ts";
import { DASHBOARD } from "../fixtures.ts";

const RATE = { metric: "requests", field: "rate" };
const NOW = 1_800_000_060_000;
const ENTRY: Entry = { ...(DASHBOARD.series[0] as Entry), resolution: "1m" };

function drawn(): Drawn {
  const board = new Board();
  const minutes = [4, 3, 2].map((back): [number, number] => [NOW - back * 60_000, back]);
  const data = {
    values: { "requests.rate": 7, "requests.rate{service=a}": 3, "requests.rate{service=b}": 4, "requests.rate{service=old}": null },
    series: { "requests.rate": minutes, "requests.rate{service=a}": minutes.slice(1) },
    events: [],
    service_names: { a: "=shop" },
  };
  board.take({ type: "snapshot", dashboard: "d", epoch: "e", seq: 0, ts: NOW, data });
  return { board, units: new Units(DASHBOARD), entries: new Map([["requests.rate", ENTRY]]), now: NOW, minutes: 5 };
}

function rows(panel: Panel) {
  return dataOf(panel, drawn())?.rows;
}

test("a number has its unit, and further numbers stand below it", () => {
  assert.deepEqual(rows({ kind: "stat", title: "Load", value: RATE, more: [{ ...RATE, text: "in all" }] }), [
    ["Load", 7, "{request}/s"],
    ["in all", 7, "{request}/s"],
  ]);
});

test("a chart has a row for each instant, the newest first, and a column for each line", () => {
  const data = dataOf({ kind: "time_series", title: "t", lines: [{ ...RATE, name: "all" }, { ...RATE, by: "service" }] }, drawn());
  assert.deepEqual(data?.columns.map((column) => column.title), ["Time", "all", "=shop"]);
  assert.deepEqual(data?.rows, [
    [NOW - 120_000, 2, 2],
    [NOW - 180_000, 3, 3],
    [NOW - 240_000, 4, null],
  ]);
});

test("values of a dimension stand with the largest first, by the names that services were given", () => {
  assert.deepEqual(rows({ kind: "bar", title: "b", bars: { ...RATE, by: "service" }, top: 1 }), [["b", 4], ["=shop", 3]]);
  assert.deepEqual(rows({ kind: "table", title: "t", by: "service", head: "Service", columns: [{ ...RATE, title: "now" }] }), [["b", 4], ["=shop", 3], ["old", null]]);
});

test("words have no numbers", () => {
  assert.equal(rows({ kind: "text", title: "t", text: "x" }), undefined);
});
