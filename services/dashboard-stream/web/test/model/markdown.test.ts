import assert from "node:assert/strict";
import { test } from "node:test";
import { type Block, blocksOf } from "../../src/model/markdown.ts";

const text = (words: string) => ({ kind: "text", text: words });

function inner(source: string) {
  const [block] = blocksOf(source);
  assert.ok(block && "inner" in block);
  return block.inner;
}

test("blocks are told apart", () => {
  const source = "# One\nwords\nof it\n\n- a\n* b\n1. c\n> said\n---\n```\n# no *heading*\n```\n#none";
  assert.deepEqual(
    blocksOf(source).map((block: Block) => block.kind),
    ["heading", "paragraph", "list", "list", "quote", "rule", "code", "paragraph"],
  );
  assert.deepEqual(blocksOf(source)[6], { kind: "code", text: "# no *heading*" });
});

test("emphasis, code and links are within each other", () => {
  assert.deepEqual(inner("a **b** *c* `d*e*`"), [text("a "), { kind: "strong", inner: [text("b")] }, text(" "), { kind: "emphasis", inner: [text("c")] }, text(" "), { kind: "code", text: "d*e*" }]);
  assert.deepEqual(inner("[see **here**](/api/dashboard/metrics)"), [
    { kind: "link", to: "/api/dashboard/metrics", inner: [text("see "), { kind: "strong", inner: [text("here")] }] },
  ]);
  assert.deepEqual(inner("snake_case_name and _one_ and \\*two\\*"), [text("snake_case_name and "), { kind: "emphasis", inner: [text("one")] }, text(" and *two*")]);
});

test("HTML, and addresses of scripts, stay the text that they are", () => {
  for (const hostile of [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JavaScript:alert%281%29)",
    "[x](data:text/html;base64,PHN2Zz4=)",
    "[x](//elsewhere.example/y)",
    "[x](/\\elsewhere.example)",
    "![x](https://elsewhere.example/x.png",
  ])
    assert.deepEqual(inner(hostile), [text(hostile)], hostile);
});

test("a heading has no number signs at its end, however long it is", () => {
  assert.deepEqual(["# a ##", "# a #b", "# a # ", "# ##"].map(inner), [[text("a")], [text("a #b")], [text("a #")], []]);
  const began = process.cpuUsage().user;
  for (const gap of [" ", "#", " #"]) blocksOf(`# a${gap.repeat(30_000)}a`);
  assert.ok(process.cpuUsage().user - began < 2_000_000);
});

test("long and unclosed marks take no longer than their length", () => {
  for (const mark of ["*", "**a", "[", "_a", "`", "> ", "[a](", "\\", "**".repeat(3)]) {
    const began = process.cpuUsage().user;
    blocksOf(mark.repeat(10_000 / mark.length));
    assert.ok(process.cpuUsage().user - began < 2_000_000, mark);
  }
});
