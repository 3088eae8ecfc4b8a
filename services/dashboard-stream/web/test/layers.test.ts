/** The layers of `src` import in one direction, and `model` is pure. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { test } from "node:test";

const SRC = new URL("../src/", import.meta.url).pathname;

/** What each layer may import besides itself: shell → pages, builder → panels → charts → model, panels → live → model. */
const MAY_IMPORT: Record<string, string[]> = {
  model: [],
  live: ["model"],
  charts: ["model"],
  panels: ["charts", "live", "model"],
  builder: ["panels", "charts", "model"],
  pages: ["panels", "charts", "model"],
  shell: ["pages", "builder", "panels", "live", "charts", "model"],
};

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g;
/** What makes an answer depend on more than its arguments. */
const IMPURE = /\b(document|window|fetch|WebSocket|localStorage|performance|requestAnimationFrame|setTimeout)(?:\.\w|\()|\bDate\.now\b|\bMath\.random\b/;

interface Source {
  path: string;
  layer: string;
  text: string;
}

const sources: Source[] = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.tsx?$/.test(path))
  .map((path) => ({ path, layer: layerOf(path), text: readFileSync(join(SRC, path), "utf8") }));

/** The folder; `""` for the entry point, which puts the layers together. */
function layerOf(path: string): string {
  return path.includes(sep) ? (path.split(sep)[0] as string) : "";
}

function forbidden({ path, layer, text }: Source): string[] {
  if (layer === "") return [];
  const targets = [...text.matchAll(IMPORT)].map((match) => normalize(join(dirname(path), match[1] as string)));
  return targets.filter((target) => layerOf(target) !== layer && !MAY_IMPORT[layer]?.includes(layerOf(target))).map((target) => `${path} imports ${target}`);
}

test("every folder is a layer with a rule", () => {
  assert.deepEqual([...new Set(sources.map((source) => source.layer))].filter(Boolean).sort(), Object.keys(MAY_IMPORT).sort());
});

test("layers import only what lies below them", () => {
  assert.deepEqual(sources.flatMap(forbidden), []);
});

test("an import in the wrong direction is found, in every form it is written in", () => {
  const wrong = (text: string) => forbidden({ path: `model${sep}names.ts`, layer: "model", text });
  assert.equal(wrong('import { Live } from "../live/live.ts";').length, 1);
  assert.equal(wrong('import type {\n  Theme,\n} from "../charts/palette.ts";').length, 1);
  assert.equal(wrong('export * from "../pages/layouts.ts";').length, 1);
  assert.equal(wrong('const later = import("../shell/app.tsx");').length, 1);
  assert.equal(wrong('import "../shell/theme.ts";').length, 1);
  assert.deepEqual(wrong('import { title } from "./format.ts";'), []);
});

/** What an edit does, what is asked and what is drawn of it: the rest of the builder are components and hooks. */
const PURE: ReadonlySet<string> = new Set(["arrange", "edits", "generated", "numbers", "preview", "questions"].map((name) => `builder${sep}${name}.ts`));

test("the model asks no clock, no network and no document, nor does what the builder computes", () => {
  assert.equal(sources.filter((source) => PURE.has(source.path)).length, PURE.size);
  const impure = sources.filter((source) => (source.layer === "model" || PURE.has(source.path)) && IMPURE.test(source.text)).map((source) => source.path);
  assert.deepEqual(impure, []);
  assert.match("const now = Date.now();", IMPURE);
});
