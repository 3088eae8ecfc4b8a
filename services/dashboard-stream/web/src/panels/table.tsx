/** Rows for the values of a label: services, models, topics; the largest first or as a column orders them, with a bar for how large. Every number leads to its metric, a service to its traces. */
import { useState } from "preact/hooks";
import { FirstData } from "../charts/first-data.tsx";
import type { Board } from "../model/board.ts";
import type { Units } from "../model/catalogue.ts";
import { inWords, whole } from "../model/format.ts";
import type { Table as TablePanel } from "../model/contracts.ts";
import { linkTo } from "../model/explorer-choice.ts";
import { TRACES_PATH } from "../model/explorer.ts";
import { metricLink } from "../model/metric-choice.ts";
import { readingOf, withSince } from "../model/panels.ts";
import { arranged, clicked, FIRST, type Row } from "../model/table-rows.ts";
import { labelText, labelled, tooltip } from "../model/names.ts";

const MOST_ROWS = 10;

export function Table({ table, board, units, now }: { table: TablePanel; board: Board; units: Units; now: number }) {
  const columns = table.columns.map((column) => ({ title: column.title, column, reading: readingOf(column) }));
  const first = columns[0]?.reading ?? "";
  const [order, setOrder] = useState(FIRST);
  const [search, setSearch] = useState("");
  const [all, setAll] = useState(false);
  const values = [...new Set(columns.flatMap((column) => board.labelValues(column.reading, table.by)))];
  const rows = values.map(
    (value): Row => ({
      value,
      text: labelText(table.by, value, board.given(table.by, value)),
      numbers: columns.map(({ reading }) => board.value(labelled(reading, table.by, value))),
    }),
  );
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
  return (
    <article class="panel table">
      <h2>{table.title}</h2>
      {(rows.length > MOST_ROWS || search) && (
        <input type="search" class="table-search" aria-label={`Find in ${table.title}`} placeholder={`Find in ${whole(rows.length)}`} value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
      )}
      {rows.length ? (
        <table>
          <thead>
            <tr>
              {head(table.head, -1)}
              {columns.map(({ title, column }, place) => head(withSince(title, column.span, now), place))}
            </tr>
          </thead>
          <tbody>
            {shown.map(({ value, text, numbers }) => (
              <tr key={value}>
                <th scope="row">
                  <span class="bar" style={{ width: `${most > 0 ? (Math.max(0, numbers[0] ?? 0) / most) * 100 : 0}%` }} />
                  <a href={rowLink(table, value)} title={[tooltip(value, board.given(table.by, value)), table.by === "service" ? "Traces of this service" : ""].filter(Boolean).join(": ") || undefined}>
                    <bdi>{text}</bdi>
                  </a>
                </th>
                {columns.map(({ column, reading }, place) => (
                  <td key={place}>
                    <a href={metricLink({ ...column, by: null, labels: { [table.by]: value } })}>{inWords(numbers[place], units.of(reading))}</a>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <FirstData metric={board.frames ? units.metricOf(first) : ""} />
      )}
      {rows.length > 0 && found.length === 0 && <p class="empty">No row has “{search}” in it.</p>}
      {found.length > MOST_ROWS && (
        <button type="button" class="link" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? `Show ${MOST_ROWS}` : `and ${found.length - MOST_ROWS} more`}
        </button>
      )}
    </article>
  );
}

function rowLink(table: TablePanel, value: string): string {
  if (table.by === "service") return linkTo(TRACES_PATH, { service: value, range: "15m" });
  return metricLink({ ...(table.columns[0] as TablePanel["columns"][number]), by: null, labels: { [table.by]: value } });
}
