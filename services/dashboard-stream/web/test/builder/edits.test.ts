import assert from "node:assert/strict";
import { test } from "node:test";
import { type Action, begin, differences, edited, type Editing, isDirty, isEdited, MOST_STEPS, nameOf, reduce, same } from "../../src/builder/edits.ts";
import { freeId } from "../../src/model/copied-panel.ts";
import type { DashboardDocument } from "../../src/model/contracts.ts";
import type { Panel } from "../../src/model/panels.ts";

const RATE = { metric: "requests", field: "rate" };

function stat(id: string, title = id): Panel {
  return { kind: "stat", id, title, value: RATE };
}

const THREE: DashboardDocument = { name: "d", title: "D", panels: [stat("a"), stat("b"), stat("c")] };

function done(...actions: Action[]): Editing {
  return actions.reduce(reduce, begin(THREE, THREE));
}

function order(editing: Editing): string {
  return (editing.now.panels ?? []).map((panel) => panel.id).join("");
}

test("panels are moved, duplicated, removed, and each step has its way back and forth", () => {
  const moved = done({ do: "move", from: 0, to: 2 });
  assert.equal(order(moved), "bca");
  assert.equal(order(reduce(moved, { do: "undo" })), "abc");
  assert.equal(order(reduce(reduce(moved, { do: "undo" }), { do: "redo" })), "bca");
  assert.equal(order(done({ do: "move", from: 2, to: -5 })), "cab");
  assert.equal(order(done({ do: "duplicate", at: 1 })), "abb-1c");
  assert.equal(order(done({ do: "remove", at: 1 })), "ac");
  // What is not there changes nothing, and is no step.
  for (const action of [{ do: "remove", at: 9 }, { do: "duplicate", at: 9 }, { do: "move", from: 1, to: 1 }, { do: "change", at: 9, panel: stat("x") }] as Action[]) {
    assert.equal(done(action).past.length, 0);
  }
});

test("a new edit forgets what was undone, and what is typed in one field is one step", () => {
  const typed = done({ do: "describe", change: { title: "N" }, step: "title" }, { do: "describe", change: { title: "Ne" }, step: "title" });
  assert.equal(typed.past.length, 1);
  assert.equal(reduce(typed, { do: "undo" }).now.title, "D");
  const other = reduce(reduce(typed, { do: "undo" }), { do: "remove", at: 0 });
  assert.equal(reduce(other, { do: "redo" }), other);
  const both = reduce(reduce(typed, { do: "undo" }), { do: "describe", change: { title: "X" }, step: "title" });
  assert.equal(reduce(both, { do: "undo" }).now.title, "D");
  let many = begin(THREE, THREE);
  for (let i = 0; i < MOST_STEPS + 50; i += 1) many = reduce(many, { do: "describe", change: { title: String(i) } });
  assert.equal(many.past.length, MOST_STEPS);
});

test("what is saved is clean until it differs, whatever is said that goes without saying", () => {
  assert.equal(isDirty(begin(THREE, null)), true);
  assert.equal(isEdited(begin(THREE, null)), false);
  assert.equal(isDirty(begin(THREE, THREE)), false);
  const changed = done({ do: "change", at: 0, panel: stat("a", "other") });
  assert.equal(isDirty(changed), true);
  assert.equal(isDirty(reduce(changed, { do: "undo" })), false);
  const saved = reduce(changed, { do: "saved", document: changed.now });
  assert.equal(isDirty(saved), false);
  assert.equal(isDirty(reduce(saved, { do: "undo" })), true);
  assert.ok(same({ ...THREE, schema: 1, description: "", feed: [] }, THREE));
  assert.ok(same({ ...RATE, over_s: 10, resolution: "1s", by: null }, RATE));
  assert.ok(!same({ ...RATE, over_s: 60 }, RATE));
  assert.ok(!same({ ...RATE, total: false }, RATE));
});

test("a copy has an id that no other has", () => {
  const twice = edited(edited(THREE, { do: "duplicate", at: 0 }), { do: "duplicate", at: 0 });
  assert.deepEqual(twice.panels?.map((panel) => panel.id), ["a", "a-2", "a-1", "b", "c"]);
  assert.equal(freeId([stat("stat-1")], "stat"), "stat-2");
  assert.ok(freeId([], "x".repeat(64)).length <= 64);
});

test("a title makes a name that an address can have", () => {
  assert.equal(nameOf("  Über: Orders & Co. "), "uber-orders-co");
  assert.equal(nameOf("شیب"), "");
  assert.ok(nameOf("x ".repeat(100)).length <= 64);
});

test("two versions differ by text, by panel and by order", () => {
  const theirs: DashboardDocument = { ...THREE, title: "Theirs", panels: [stat("c"), stat("a", "A"), stat("d")] };
  const found = differences(THREE, theirs);
  assert.deepEqual(found.map((one) => one.what), ["Title", "Panel a", "Panel b", "Panel d", "Order"]);
  assert.deepEqual(found.find((one) => one.what === "Panel b")?.theirs, "none");
  assert.match(found.find((one) => one.what === "Panel a")?.theirs ?? "", /title: A/);
  assert.deepEqual(differences(THREE, { ...THREE, schema: 1, feed: [] }), []);
});
