import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const SOURCE = join(import.meta.dirname, "../src");
/** Charts run from left to right in every language, as time does on their axes. */
const PICTURES = "charts/";

test("sheets say start and end, not left and right, so that a page in a right-to-left language is mirrored", () => {
  const sided = /^\s*((?:margin|padding|border)-(?:left|right)[a-z-]*|left|right|float: *(?:left|right)|text-align: *(?:left|right))\b/;
  const found: string[] = [];
  for (const file of readdirSync(SOURCE, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".css") || file.startsWith(PICTURES)) continue;
    readFileSync(join(SOURCE, file), "utf8")
      .split("\n")
      .forEach((line, at) => sided.test(line) && found.push(`${file}:${at + 1} ${line.trim()}`));
  }
  // A mark on a track stands where its number is, whichever way the text runs.
  assert.deepEqual(found.map((one) => one.replace(/:\d+/, "")), ["panels/capacity.css margin-left: -1px;"]);
});
