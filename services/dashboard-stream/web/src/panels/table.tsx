/** Rows for the values of a label: services, models, topics; the largest first, with a bar for how large. Every number leads to its metric, a service to its traces. */
import { FirstData } from "../charts/first-data.tsx";
import type { Board } from "../model/board.ts";
import type { Units } from "../model/catalogue.ts";
import { inWords } from "../model/format.ts";
import type { Table as TablePanel } from "../model/contracts.ts";
import { linkTo } from "../model/explorer-choice.ts";
import { TRACES_PATH } from "../model/explorer.ts";
import { metricLink } from "../model/metric-choice.ts";
import { readingOf, withSince } from "../model/panels.ts";
import { labelText, labelled, tooltip } from "../model/names.ts";

const MOST_ROWS = 10;

export function Table({ table, board, units, now }: { table: TablePanel; board: Board; units: Units; now: number }) {
  const columns = table.columns.map((column) => ({ title: column.title, column, reading: readingOf(column) }));
  const first = columns[0]?.reading ?? "";
  const values = [...new Set(columns.flatMap((column) => board.labelValues(column.reading, table.by)))];
  const sizeOf = (value: string) => board.value(labelled(first, table.by, value)) ?? -1;
  const rows = values.sort((a, b) => sizeOf(b) - sizeOf(a) || a.localeCompare(b));
  const most = Math.max(...rows.map(sizeOf), 0);
  return (
    <article class="panel table">
      <h2>{table.title}</h2>
      {rows.length ? (
        <table>
          <thead>
            <tr>
              <th scope="col">{table.head}</th>
              {columns.map((column) => (
                <th scope="col" key={column.reading}>
                  {withSince(column.title, column.column.span, now)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MOST_ROWS).map((value) => (
              <tr key={value}>
                <th scope="row">
                  <span class="bar" style={{ width: `${most > 0 ? (Math.max(0, sizeOf(value)) / most) * 100 : 0}%` }} />
                  <a href={rowLink(table, value)} title={[tooltip(value, board.given(table.by, value)), table.by === "service" ? "Traces of this service" : ""].filter(Boolean).join(": ") || undefined}>
                    <bdi>{labelText(table.by, value, board.given(table.by, value))}</bdi>
                  </a>
                </th>
                {columns.map(({ column, reading }) => (
                  <td key={reading}>
                    <a href={metricLink({ ...column, by: null, labels: { [table.by]: value } })}>
                      {inWords(board.value(labelled(reading, table.by, value)), units.of(reading))}
                    </a>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <FirstData metric={board.frames ? units.metricOf(first) : ""} />
      )}
      {rows.length > MOST_ROWS && <p class="muted">and {rows.length - MOST_ROWS} more</p>}
    </article>
  );
}

function rowLink(table: TablePanel, value: string): string {
  if (table.by === "service") return linkTo(TRACES_PATH, { service: value, range: "15m" });
  return metricLink({ ...(table.columns[0] as TablePanel["columns"][number]), by: null, labels: { [table.by]: value } });
}
