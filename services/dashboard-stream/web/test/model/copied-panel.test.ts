import assert from "node:assert/strict";
import { test } from "node:test";
import { copied, panelIn, textOf, withPanel } from "../../src/model/copied-panel.ts";
import type { Panel } from "../../src/model/panels.ts";

const MODEL = { name: "model", metric: "llm_requests", dimension: "model" };
const SHOP = { name: "shop", metric: "orders", dimension: "shop" };
const PANEL: Panel = { kind: "stat", id: "a", title: "Calls of $model for $$shop", value: { metric: "llm_requests", field: "rate", only: { model: "$model" } }, layout: { columns: 3, x: 9 } };

test("a copied panel takes along the variables that it names, and no others", () => {
  assert.deepEqual(copied(PANEL, [SHOP, MODEL]).variables, [MODEL]);
  assert.deepEqual(panelIn(textOf(copied(PANEL, [MODEL]))), { panel: PANEL, variables: [MODEL] });
});

test("it is the last of the panels there, with an id of its own, and its variables are added or named where they differ", () => {
  const target = { name: "d", title: "D", panels: [{ ...PANEL, id: "a-1" }] };
  const { document, added, other } = withPanel(target, { panel: PANEL, variables: [MODEL] });
  assert.deepEqual(document.panels?.map((panel) => [panel.id, panel.layout?.x]), [["a-1", 9], ["a-2", undefined]]);
  assert.deepEqual([document.variables, added, other], [[MODEL], ["model"], []]);
  const differs = withPanel({ ...target, variables: [{ ...MODEL, metric: "llm_tokens" }] }, { panel: PANEL, variables: [MODEL] });
  assert.deepEqual([differs.added, differs.other], [[], ["model"]]);
});

test("any other text is no panel", () => {
  for (const text of ["", "x", "null", "5", "{}", '{"panel": 1}', '{"panel": {"kind": "stat"}}', '{"panel": {"kind": "stat", "title": "a"}, "variables": 1}']) assert.equal(panelIn(text), null);
});
