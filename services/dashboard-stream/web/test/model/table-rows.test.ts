import assert from "node:assert/strict";
import { test } from "node:test";
import { arranged, clicked, FIRST, type Row, windowsInWords } from "../../src/model/table-rows.ts";

const ROWS: Row[] = [
  { value: "svc-1", text: "Billing", numbers: [3, null] },
  { value: "svc-2", text: "auth", numbers: [null, 5] },
  { value: "svc-3", text: "Cart", numbers: [9, 1] },
];

const names = (...how: Parameters<typeof arranged> extends [unknown, ...infer Rest] ? Rest : never) => arranged(ROWS, ...how).map((row) => row.text);

test("rows are in the order of a column, and what is not known comes last", () => {
  assert.deepEqual(names(FIRST, ""), ["Cart", "Billing", "auth"]);
  assert.deepEqual(names({ column: 0, falling: false }, ""), ["Billing", "Cart", "auth"]);
  assert.deepEqual(names({ column: 1, falling: true }, ""), ["auth", "Cart", "Billing"]);
  assert.deepEqual(names({ column: -1, falling: false }, ""), ["auth", "Billing", "Cart"]);
});

test("a click on a head begins with the largest number or the first letter, and turns round", () => {
  assert.deepEqual(clicked(FIRST, 0), { column: 0, falling: false });
  assert.deepEqual(clicked(FIRST, 1), { column: 1, falling: true });
  assert.deepEqual(clicked(FIRST, -1), { column: -1, falling: false });
});

test("rows are found by what is shown and by the token behind it", () => {
  assert.deepEqual(names(FIRST, " CART "), ["Cart"]);
  assert.deepEqual(names(FIRST, "svc-2"), ["auth"]);
  assert.deepEqual(names(FIRST, "nothing"), []);
});

test("the numbers of a table name the times that they are taken over, those of most columns first", () => {
  const of = (title: string, seconds: number | null) => ({ title, seconds });
  assert.equal(windowsInWords([of("requests", 10), of("errors", 10), of("p95", 60), of("24 h", null)]), "last 10 s, p95 last 1 min");
  assert.equal(windowsInWords([of("calls", 10), of("tokens", 10)]), "last 10 s");
  assert.equal(windowsInWords([of("24 h", null)]), "");
});
