/** What a panel shows as rows and columns: for a table on the page, and as a file. Pure. */

/** An instant is in epoch ms. */
export type Cell = string | number | null;

export interface DataColumn {
  title: string;
  /** Of numbers, as they are in the rows; empty: none. */
  unit: string;
  kind: "text" | "number" | "time";
}

export interface DataTable {
  columns: DataColumn[];
  rows: Cell[][];
}

/** What a spreadsheet takes for a formula or a command, whatever blanks stand before it. */
const FORMULA = /^[\s\u0000-\u001f\u00a0\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;

/**
 * `table` as CSV (RFC 4180, UTF-8): a header, then the rows, with instants as ISO 8601 in UTC and numbers as they are. A text that
 * a spreadsheet would run as a formula has an apostrophe before it.
 */
export function csvOf({ columns, rows }: DataTable): string {
  const head = columns.map(({ title, unit, kind }) => quoted(kind === "number" && unit ? `${title} (${unit})` : title));
  const lines = rows.map((row) => row.map((cell, i) => cellOf(cell, columns[i]?.kind === "time")));
  return [head, ...lines].map((line) => `${line.join(",")}\r\n`).join("");
}

function cellOf(cell: Cell, instant: boolean): string {
  if (cell === null) return "";
  if (typeof cell === "string") return quoted(cell);
  if (!Number.isFinite(cell)) return "";
  return instant ? new Date(cell).toISOString() : String(cell);
}

function quoted(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The name of a file of `title`: letters, digits and hyphens of any script, at most 80 of them. */
export function fileName(title: string, ending: string): string {
  const stem = [...title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-")].slice(0, 80).join("").replace(/^-+|-+$/g, "");
  return `${stem || "panel"}.${ending}`;
}
