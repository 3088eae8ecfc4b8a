import assert from "node:assert/strict";
import { test } from "node:test";
import { csvOf, type DataTable, fileName } from "../../src/model/data-table.ts";

const TEXT = { title: "Service", unit: "", kind: "text" as const };
const NUMBER = { title: "Requests", unit: "{request}/s", kind: "number" as const };

function lines(table: DataTable): string[] {
  return csvOf(table).split("\r\n");
}

test("rows are written with instants in UTC, numbers as they are, and nothing where nothing is known", () => {
  const table: DataTable = { columns: [{ title: "Time", unit: "", kind: "time" }, NUMBER], rows: [[1_800_000_000_000, -1.5], [1_800_000_001_000, null]] };
  assert.deepEqual(lines(table), ["Time,Requests ({request}/s)", "2027-01-15T08:00:00.000Z,-1.5", "2027-01-15T08:00:01.000Z,", ""]);
});

test("no text is run as a formula, in rows or in the header", () => {
  const texts = ['=HYPERLINK("http://x","y")', "+1", "-2", "@SUM(1)", "\t=1", "  =1", "\r=1", "\n=1", "\u00a0=1", "\ufeff=1", "\uff1d1", "\u0000=1"];
  for (const text of texts) {
    const [, said = ""] = csvOf({ columns: [TEXT], rows: [[text]] }).split(/^Service\r\n/);
    assert.match(said, /^"?'/, JSON.stringify(text));
  }
  assert.match(csvOf({ columns: [{ ...TEXT, title: "=1+1" }], rows: [] }), /^'=1\+1/);
});

test("quotes, commas and line breaks stay within their cell", () => {
  assert.deepEqual(lines({ columns: [TEXT], rows: [['a "b", c']] })[1], '"a ""b"", c"');
  assert.equal(csvOf({ columns: [TEXT], rows: [["a\nb"]] }), 'Service\r\n"a\nb"\r\n');
  assert.equal(lines({ columns: [TEXT], rows: [["plain text"]] })[1], "plain text");
});

test("a file is named after its panel in letters and digits alone", () => {
  assert.equal(fileName("../p95 of <LLM>: calls", "csv"), "p95-of-llm-calls.csv");
  assert.equal(fileName("مرحبا بالعالم", "png"), "مرحبا-بالعالم.png");
  assert.equal(fileName("…", "csv"), "panel.csv");
  assert.equal(fileName("x".repeat(10_000), "csv").length, 84);
});
