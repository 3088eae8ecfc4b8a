import assert from "node:assert/strict";
import { test } from "node:test";
import type { Dashboard } from "../../src/model/catalogue.ts";
import { editorAddress, inNavigation, openedOf, searched } from "../../src/model/dashboards.ts";
import { DASHBOARD } from "../fixtures.ts";

const own = (name: string, changed_at: number): Dashboard => ({ ...DASHBOARD, name, title: `Title ${name}`, own: true, changed_at });
const ALL = [{ ...DASHBOARD, own: false }, ...Array.from({ length: 200 }, (_, i) => own(`d${i}`, i))];

test("the navigation names the ready ones and few others, however many there are", () => {
  const names = (pinned: string[], shown = "") => inNavigation(ALL, pinned, shown).map((one) => one.name);
  assert.deepEqual(names([]), ["system_overview", "d197", "d198", "d199"]);
  assert.deepEqual(names(["d7", "gone"]), ["system_overview", "d7"]);
  assert.deepEqual(names(["d7"], "d9"), ["system_overview", "d7", "d9"]);
  assert.ok(names(ALL.map((one) => one.name)).length < 8);
});

test("a search finds every word anywhere", () => {
  assert.deepEqual(searched(ALL, "TITLE d19").map((one) => one.name).slice(0, 2), ["d19", "d190"]);
  assert.equal(searched(ALL, "  ").length, ALL.length);
  assert.equal(searched(ALL, "d19 nowhere").length, 0);
});

test("what the editor opens stands in its address", () => {
  assert.deepEqual(openedOf(new URL(editorAddress({ copy: "a b" }), "http://x").search), { from: "copy", name: "a b" });
  assert.deepEqual(openedOf("?metric=requests"), { from: "metric", name: "requests" });
  assert.deepEqual(openedOf("?import=file"), { from: "import" });
  assert.deepEqual(openedOf(""), { from: "nothing" });
});

test("the editor opens a dashboard of one value, whatever that holds", () => {
  const opened = (of: string) => openedOf(new URL(editorAddress({ of }), "http://x").search);
  assert.deepEqual(opened("model:gpt:4 & <b>"), { from: "value", label: "model", value: "gpt:4 & <b>" });
  assert.deepEqual(opened("service:"), { from: "nothing" });
});
