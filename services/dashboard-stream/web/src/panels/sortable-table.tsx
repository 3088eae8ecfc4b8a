/** Rows that are searched and ordered by any column. A bar in each row is its first number beside the largest one. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { whole } from "../model/format.ts";
import { arranged, clicked, FIRST, type Row } from "../model/table-rows.ts";

const MOST_ROWS = 10;

interface Props {
  /** Of the panel, for the name of the search field. */
  title: string;
  /** The head of the column of texts, then those of the numbers. */
  head: string;
  columns: readonly string[];
  rows: readonly Row[];
  text: (row: Row) => ComponentChildren;
  cell: (row: Row, column: number) => ComponentChildren;
  /** In place of the table while there are no rows. */
  empty: ComponentChildren;
}

export function SortableTable({ title, head, columns, rows, text, cell, empty }: Props) {
  const [order, setOrder] = useState(FIRST);
  const [search, setSearch] = useState("");
  const [all, setAll] = useState(false);
  const found = arranged(rows, order, search);
  const shown = all ? found : found.slice(0, MOST_ROWS);
  const most = Math.max(...rows.map((row) => row.numbers[0] ?? 0), 0);
  const headOf = (words: string, column: number) => (
    <th scope="col" key={column} aria-sort={order.column === column ? (order.falling ? "descending" : "ascending") : undefined}>
      <button type="button" onClick={() => setOrder(clicked(order, column))}>
        <bdi>{words}</bdi>
      </button>
    </th>
  );
  return (
    <>
      {(rows.length > MOST_ROWS || search) && (
        <input type="search" class="table-search" aria-label={`Find in ${title}`} placeholder={`Find in ${whole(rows.length)}`} value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
      )}
      {rows.length ? (
        <table>
          <thead>
            <tr>
              {headOf(head, -1)}
              {columns.map(headOf)}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={row.value}>
                <th scope="row">
                  <span class="bar" style={{ width: `${most > 0 ? (Math.max(0, row.numbers[0] ?? 0) / most) * 100 : 0}%` }} />
                  {text(row)}
                </th>
                {columns.map((_, column) => (
                  <td key={column}>{cell(row, column)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        empty
      )}
      {rows.length > 0 && found.length === 0 && <p class="empty">No row has “{search}” in it.</p>}
      {found.length > MOST_ROWS && (
        <button type="button" class="link" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? `Show ${MOST_ROWS}` : `and ${found.length - MOST_ROWS} more`}
        </button>
      )}
    </>
  );
}
