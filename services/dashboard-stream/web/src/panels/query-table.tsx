/** The numbers of queries as a table: a row for each group, a column for each query. */
import { useState } from "preact/hooks";
import type { QueryPanel } from "../model/contracts.ts";
import { inWords } from "../model/format.ts";
import { nameOfQuery, type Total } from "../model/stored-query.ts";
import { arranged, clicked, FIRST, type Row } from "../model/table-rows.ts";

const MOST_ROWS = 10;

export function QueryTable({ panel, totals, unit }: { panel: QueryPanel; totals: readonly Total[]; unit: string }) {
  const [order, setOrder] = useState(FIRST);
  const [search, setSearch] = useState("");
  const [all, setAll] = useState(false);
  const rows = rowsOf(panel, totals);
  const found = arranged(rows, order, search);
  const shown = all ? found : found.slice(0, MOST_ROWS);
  const most = Math.max(...rows.map((row) => row.numbers[0] ?? 0), 0);
  const head = (title: string, column: number) => (
    <th scope="col" key={column} aria-sort={order.column === column ? (order.falling ? "descending" : "ascending") : undefined}>
      <button type="button" onClick={() => setOrder(clicked(order, column))}>
        <bdi>{title}</bdi>
      </button>
    </th>
  );
  if (!rows.length) return <p class="empty">No data in this range</p>;
  return (
    <>
      {(rows.length > MOST_ROWS || search) && (
        <input type="search" class="table-search" aria-label={`Find in ${panel.title}`} placeholder={`Find in ${rows.length}`} value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
      )}
      <table>
        <thead>
          <tr>
            {head([...new Set(panel.queries.flatMap((query) => query.group_by ?? []))].join(" · ") || "Query", -1)}
            {panel.queries.map((query, place) => head(nameOfQuery(query), place))}
          </tr>
        </thead>
        <tbody>
          {shown.map(({ value, text, numbers }) => (
            <tr key={value}>
              <th scope="row">
                <span class="bar" style={{ width: `${most > 0 ? (Math.max(0, numbers[0] ?? 0) / most) * 100 : 0}%` }} />
                <bdi>{text}</bdi>
              </th>
              {numbers.map((number, place) => (
                <td key={place}>{inWords(number, unit)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {found.length === 0 && <p class="empty">No row has “{search}” in it.</p>}
      {found.length > MOST_ROWS && (
        <button type="button" class="link" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? `Show ${MOST_ROWS}` : `and ${found.length - MOST_ROWS} more`}
        </button>
      )}
    </>
  );
}

/** Groups of the same values are one row, whichever query they are of. */
function rowsOf({ queries }: QueryPanel, totals: readonly Total[]): Row[] {
  const rows = new Map<string, Row & { numbers: (number | null)[] }>();
  for (const total of totals) {
    const key = JSON.stringify(Object.values(total.labels));
    let row = rows.get(key);
    if (!row) rows.set(key, (row = { value: key, text: total.group || "all", numbers: queries.map(() => null) }));
    row.numbers[total.query] = total.series.total;
  }
  return [...rows.values()];
}
