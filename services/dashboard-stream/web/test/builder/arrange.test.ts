import assert from "node:assert/strict";
import { test } from "node:test";
import { byHand, byKind, dropped, landing, moved, resized, withLayout, withOpen } from "../../src/builder/arrange.ts";
import { edited } from "../../src/builder/edits.ts";
import { placesOn } from "../../src/model/layout.ts";
import type { Panel } from "../../src/model/panels.ts";

const text = (title: string, layout?: Panel["layout"]): Panel => ({ kind: "text", title, id: title, text: "x", ...(layout && { layout }) });
const THREE = [text("a"), text("b"), text("c")];
const titles = (panels: readonly Panel[]) => panels.map((panel) => panel.title).join("");
const at = (panels: readonly Panel[]) => placesOn(panels, "desk").map((place) => place && [place.x, place.y, place.columns, place.rows]);

test("panels that are arranged by hand begin as they stood", () => {
  assert.deepEqual(at(byHand(THREE)), at(THREE));
  assert.deepEqual(byHand(THREE).map((panel) => panel.layout), [{ columns: 4 }, { columns: 4 }, { columns: 4 }]);
  assert.deepEqual(byHand([text("a"), text("b")]).map((panel) => panel.layout?.columns), [6, 6]);
  assert.deepEqual(byKind(byHand(THREE)), THREE);
});

test("a panel is moved in the order, and stands in a column where it was dropped into one", () => {
  assert.equal(titles(moved(THREE, 2, 0)), "cab");
  assert.deepEqual(moved(THREE, 0, 1, 8)[1]?.layout, { columns: 4, x: 8 });
  assert.deepEqual(moved(moved(THREE, 0, 1, 8), 1, 0)[0]?.layout, { columns: 4 });
  assert.deepEqual(landing(THREE, 2, { to: 0 }, "desk"), { x: 0, y: 0, columns: 4, rows: 3 });
});

test("a panel is resized within the grid, on each width by itself, and others stay as they are", () => {
  const wide = resized(THREE, 0, "desk", { columns: 8, rows: 5 });
  assert.deepEqual(wide.map((panel) => panel.layout), [{ columns: 8, rows: 5 }, { columns: 4 }, { columns: 4 }]);
  assert.deepEqual(resized(wide, 0, "desk", { columns: 99, rows: -3 })[0]?.layout, { columns: 12, rows: 1 });
  assert.deepEqual(resized(wide, 0, "tablet", { columns: 5 })[0]?.layout, { columns: 8, rows: 5, tablet: { columns: 5 } });
  assert.deepEqual(resized([text("a", { columns: 3, x: 9 })], 0, "desk", { columns: 6 })[0]?.layout, { columns: 6, x: 6 });
});

test("what is dropped on a free cell stands there: behind the others where that does, else in that column", () => {
  const two = [text("a", { columns: 6, rows: 2 }), text("b", { columns: 3, rows: 2 })];
  assert.deepEqual(dropped(two, 0, { x: 10, y: 0 }, "desk"), { to: 1, x: 6 });
  assert.deepEqual(dropped(two, 1, { x: 10, y: 0 }, "desk"), { to: 1, x: 9 });
  assert.deepEqual(dropped(two, 1, { x: 7, y: 0 }, "desk"), { to: 1 });
  assert.deepEqual(dropped(two, 0, { x: 0, y: 9 }, "tablet"), { to: 1 });
  const put = moved(two, 1, 1, 9);
  assert.deepEqual(at(put), [[0, 0, 6, 2], [9, 0, 3, 2]]);
});

test("a layout says nothing that goes without saying", () => {
  assert.equal("layout" in withLayout(text("a", { columns: 3 }), { columns: undefined }), false);
  assert.deepEqual(withLayout(text("a", { columns: 3, phone: { hidden: true } }), { phone: { hidden: false } }).layout, { columns: 3 });
  assert.deepEqual(withOpen(THREE, 1, "desk")[1]?.layout, { columns: 12 });
  assert.deepEqual(withOpen(THREE, -1, "phone"), THREE);
});

test("a move that leads nowhere and an arrangement that is there already are no edits", () => {
  const document = { name: "d", title: "D", panels: THREE };
  assert.equal(edited(document, { do: "move", from: 1, to: 1 }), document);
  assert.equal(edited(document, { do: "arrange by kind" }), document);
  assert.equal(edited(document, { do: "resize", at: 9, width: "desk", size: { rows: 1 } }), document);
  const arranged = edited(document, { do: "resize", at: 0, width: "desk", size: { rows: 1 } });
  assert.deepEqual(edited(arranged, { do: "arrange by kind" }), document);
});
