import assert from "node:assert/strict";
import { test } from "node:test";
import { linesOf } from "../../src/charts/chart-lines.ts";
import { Board } from "../../src/model/board.ts";
import type { Entry } from "../../src/model/catalogue.ts";
import type { TimeSeries } from "../../src/model/contracts.ts";
import type { InsightVersion } from "../../src/model/notes.ts";
import { advanced, frameAt, sought, stepped } from "../../src/model/replay.ts";
import { FIRST, queryOf, shownOf, timeQueryOf } from "../../src/model/shown-time.ts";
import { anomaly } from "../fixtures.ts";

const MINUTE = 60_000;
const TO = 1_772_370_000_000;
const FROM = TO - 10 * MINUTE;

function stored(): Board {
  const made = new Board();
  made.range = { from: FROM, to: TO, steps: new Map([["requests.rate", "1m"]]), whole: true };
  made.frames = 1;
  made.epoch = "past";
  const t = Array.from({ length: 10 }, (_, i) => FROM + i * MINUTE);
  made.lines.set("requests.rate", { t, v: t.map((_, i) => i) });
  made.lines.set("requests.rate{service=a}", { t: t.slice(5), v: [1, null, 3, 4, 5] });
  made.values = { "requests.rate": 4.5, "requests.rate{service=a}": 2.6 };
  return made;
}

const OPENED = { ...anomaly({ phase: "opened", at: FROM + 3 * MINUTE, severity: "warning" }), published_at: FROM + 3.5 * MINUTE, last_at: FROM + 6 * MINUTE } as InsightVersion;

test("at an instant the windows that had ended are known, and what models had said", () => {
  const half = frameAt(stored(), [OPENED], FROM + 4.5 * MINUTE);
  assert.deepEqual(half.lines.get("requests.rate")?.v, [0, 1, 2, 3]);
  assert.deepEqual(half.values, { "requests.rate": 3, "requests.rate{service=a}": null });
  assert.equal(half.insights.size, 1);
  assert.deepEqual([half.range?.from, half.range?.to, half.range?.played, half.range?.whole], [FROM, TO, FROM + 4.5 * MINUTE, false]);
  assert.equal(frameAt(stored(), [OPENED], FROM + 3.4 * MINUTE).insights.size, 0);
  const begin = frameAt(stored(), [], FROM);
  assert.deepEqual([begin.lines.get("requests.rate")?.v, begin.values["requests.rate"]], [[], null]);
  assert.equal(frameAt(stored(), [], FROM + 7 * MINUTE).values["requests.rate{service=a}"], 1);
});

test("the last frame is what is stored", () => {
  const whole = stored();
  const last = frameAt(whole, [OPENED], TO);
  assert.deepEqual(last.values, whole.values);
  assert.deepEqual(last.lines, whole.lines);
  assert.deepEqual([last.range, last.epoch], [whole.range, whole.epoch]);
  assert.equal(advanced(TO - 100, 1_000, 60, { from: FROM, to: TO }), TO);
  assert.equal(advanced(FROM, 1_000, 60, { from: FROM, to: TO }), FROM + MINUTE);
  assert.equal(advanced(FROM, -5, 60, { from: FROM, to: TO }), FROM);
});

test("after a gap in the data there is no number, until there is one again", () => {
  const board = stored();
  const t = [0, 1, 8, 9].map((minutes) => FROM + minutes * MINUTE);
  board.lines.set("requests.rate", { t, v: [1, 2, null, 4] });
  const at = (minutes: number) => frameAt(board, [], FROM + minutes * MINUTE).values["requests.rate"];
  assert.deepEqual([at(2), at(7), at(8), at(9.5), at(9.99)], [2, 2, null, null, null]);
  assert.equal(frameAt(board, [], TO).values["requests.rate"], 4.5);
});

test("a range without any number is played to its end", () => {
  const empty = new Board();
  empty.range = { from: FROM, to: TO, steps: new Map(), whole: true };
  for (const cursor of [FROM, FROM + MINUTE, TO, Infinity]) assert.deepEqual([frameAt(empty, [], cursor).lines.size, frameAt(empty, [], cursor).values], [0, {}]);
});

test("a press of a key goes a hundredth of the range, and the end can be reached", () => {
  const bounds = { from: FROM, to: TO };
  const keys = ["ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown", "Home", "a"];
  assert.deepEqual(keys.map((key) => stepped(key, FROM + MINUTE, bounds)), [FROM + 66_000, FROM + 66_000, FROM + 54_000, FROM + 54_000, null, null]);
  assert.deepEqual([stepped("ArrowLeft", FROM, bounds), stepped("ArrowRight", TO - 5_000, bounds), stepped("ArrowRight", FROM, { from: FROM, to: FROM + 5_000 })], [FROM, TO, FROM + 1_000]);
  assert.deepEqual([sought(TO - 500, bounds), sought(FROM - 9, bounds)], [TO, FROM]);
});

test("a relative range that is played is fixed, in an address that is read again as it was said", () => {
  const now = TO + 5_300;
  for (const query of ["?from=now-2h&to=now-1h&replay=60", "?from=now/h&to=now/h&replay=2&tz=utc", "?from=now-1h&to=now&replay=60&var-x=a+b", "?from=now+1h&to=now+2h&replay=5", `?from=${FROM}&to=${FROM}&replay=5`]) {
    const said = queryOf(shownOf(query, now), query);
    const later = shownOf(said, now + 7 * MINUTE);
    assert.deepEqual(later, shownOf(said, now), query);
    assert.equal(queryOf(later, said), said);
    assert.ok(later.replay);
  }
});

test("a chart that is played has the axis of all of it", () => {
  const entry: Entry = { name: "requests.rate", metric: "requests", field: "rate", unit: "{request}/s", labels: [], total: true, resolution: "1m" };
  const chart = { kind: "time_series", title: "t", lines: [{ metric: "requests", field: "rate" }] } as unknown as TimeSeries;
  const lines = linesOf(chart, frameAt(stored(), [], FROM + 4 * MINUTE), new Map([[entry.name, entry]]), 1, 0);
  assert.deepEqual([lines.from, lines.now, lines.played, lines.lines[0]?.points.y], [FROM, TO, FROM + 4 * MINUTE, [0, 1, 2, 3]]);
});

test("a link plays a range, which does not move with the present; other dashboards are not played", () => {
  const now = TO + 5_300;
  const shown = shownOf("?from=now-1h&to=now&replay=60", now);
  assert.deepEqual([shown.replay, shown.paused], [60, TO + 5_000]);
  assert.match(queryOf(shown), /paused=.*&replay=60$/);
  assert.deepEqual(["0", "-5", "x", "Infinity", "1e9", "7.4"].map((speed) => shownOf(`?replay=${speed}`, now).replay), [0, 0, 0, 0, 60, 7]);
  assert.equal(timeQueryOf({ ...FIRST, replay: 60 }), "");
});
