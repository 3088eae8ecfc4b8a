import assert from "node:assert/strict";
import { test } from "node:test";
import { chartPlacings, COLUMNS, isArranged, numbersInRow, packed, type Place, placesOn, placings, type Size, sizeOf } from "../../src/model/layout.ts";
import type { Panel } from "../../src/model/panels.ts";

const STAT: Panel = { kind: "stat", title: "a", value: { metric: "requests", field: "rate" } };
const TEXT: Panel = { kind: "text", title: "t", text: "x" };
const text = (layout?: Panel["layout"], title = "t"): Panel => ({ ...TEXT, title, ...(layout && { layout }) });

/** How often each cell is taken, row by row. */
function cells(places: readonly Place[]): number[][] {
  const result: number[][] = [];
  for (const { x, y, columns, rows } of places) {
    assert.ok(x >= 0 && x + columns <= COLUMNS, JSON.stringify({ x, columns }));
    for (let row = y; row < y + rows; row++) for (let at = x; at < x + columns; at++) ((result[row] ??= Array<number>(COLUMNS).fill(0))[at] as number) += 1;
  }
  return result;
}

test("panels stand in their order, each at the first place with room for it", () => {
  const sizes = [[4, 4], [8, 4], [6, 2], [6, 4], [6, 2]].map(([columns, rows]) => ({ columns, rows }) as Size);
  assert.deepEqual(
    packed(sizes).map(({ x, y }) => [x, y]),
    [[0, 0], [4, 0], [0, 4], [6, 4], [0, 6]],
  );
});

test("what has a column of its own begins there", () => {
  assert.deepEqual(packed([{ columns: 4, rows: 2, x: 8 }, { columns: 6, rows: 2 }, { columns: 6, rows: 2 }]).map(({ x, y }) => [x, y]), [[8, 0], [0, 0], [0, 2]]);
});

test("two panels never share a cell, and a line of panels that may grow leaves no hole", () => {
  let seed = 7;
  const random = (most: number) => (seed = (seed * 48_271) % 2_147_483_647) % most;
  for (let n = 0; n < 400; n++) {
    const grows = n % 2 === 0;
    const rows = 1 + random(3);
    const sizes = Array.from({ length: random(14) }, (): Size => ({
      columns: 1 + random(COLUMNS),
      rows: grows ? rows : 1 + random(5),
      ...(!grows && random(4) === 0 ? { x: 0 } : {}),
      widens: grows || random(2) === 0,
      deepens: random(2) === 0,
    }));
    const counted = cells(packed(sizes)).flat();
    assert.ok(counted.every((count) => (grows ? count === 1 : count <= 1)), JSON.stringify(sizes));
  }
});

test("any number of charts stands beside the insights without a hole, on a desk and on a tablet", () => {
  for (let charts = 0; charts < 40; charts++) {
    for (const at of ["d", "t"]) {
      // Every other time without insights.
      const places = chartPlacings(Math.floor(charts / 2), charts % 2 === 0).map(({ style }) => {
        const [x, columns, y, rows] = [`--${at}x`, `--${at}y`].flatMap((name) => [...(style[name] as string).matchAll(/\d+/g)].map(Number)) as [number, number, number, number];
        return { x: x - 1, y: y - 1, columns, rows };
      });
      assert.ok(cells(places).flat().every((count) => count === 1), `${charts} ${at} ${JSON.stringify(places)}`);
    }
  }
});

test("what a document does not say of a size follows from the kind, and on narrower pages from the desk", () => {
  assert.deepEqual(sizeOf(STAT, "desk"), { columns: 2, rows: 2, widens: true, deepens: true });
  assert.deepEqual(sizeOf(text({ columns: 5, rows: 3, x: 9 }), "desk"), { columns: 5, rows: 3, widens: false, deepens: false, x: 7 });
  assert.deepEqual(sizeOf(text({ columns: 5, rows: 3 }), "tablet"), { columns: 6, rows: 3, widens: true, deepens: false });
  assert.deepEqual(sizeOf(text({ columns: 5, tablet: { columns: 3, rows: 7 } }), "tablet"), { columns: 3, rows: 7, widens: false, deepens: false });
  assert.deepEqual(sizeOf(text({ columns: 5, rows: 3 }), "phone"), { columns: 12, rows: 3, widens: true, deepens: true });
  assert.equal(sizeOf(STAT, "phone").columns, 6);
  assert.equal(sizeOf({ ...STAT, layout: { phone: { columns: 7 } } }, "phone").columns, 12);
});

test("what is no number while somebody types it is as if it were not there", () => {
  const typed = { columns: "x", rows: -3 } as unknown as { columns: number };
  assert.deepEqual(sizeOf(text(typed), "desk"), sizeOf(TEXT, "desk"));
  assert.equal(sizeOf(text({ columns: 1e9 }), "desk").columns, COLUMNS);
});

test("what is hidden on a width takes no room there", () => {
  const panels = [text({ columns: 6, tablet: { hidden: true } }), text({ columns: 6, phone: { hidden: true } }, "u"), STAT, { ...STAT, title: "b" }, { ...STAT, title: "c" }];
  assert.ok(isArranged(panels));
  assert.deepEqual(placesOn(panels, "tablet").map((place) => place && [place.x, place.y]), [undefined, [0, 0], [6, 0], [6, 2], [0, 3]]);
  const placed = placings(panels);
  assert.deepEqual(placed.map((one) => one.class), ["not-tablet", "not-phone", "", "", ""]);
  assert.deepEqual(placed.map(({ style }) => style["--px"]), ["span 12", "span 12", "span 6", "span 6", "span 12"]);
  assert.equal(placings([text({ columns: 6, rows: 2, phone: { rows: 3 } })])[0]?.class, "fixed-desk fixed-tablet fixed-phone");
  assert.equal(isArranged([STAT, TEXT]), false);
});

test("rows of numbers are of one length", () => {
  assert.deepEqual([1, 7, 8, 9, 15].map((count) => numbersInRow(count)), [
    { "--desk": "1", "--tablet": "1" },
    { "--desk": "7", "--tablet": "4" },
    { "--desk": "4", "--tablet": "4" },
    { "--desk": "5", "--tablet": "3" },
    { "--desk": "5", "--tablet": "4" },
  ]);
});
