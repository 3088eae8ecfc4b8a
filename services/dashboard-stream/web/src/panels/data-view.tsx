/** What a panel shows, as a table. */
import type { DataTable } from "../model/data-table.ts";
import { dayAndTime, inWords, time } from "../model/format.ts";

/** Further rows are in the file. */
const MOST_ROWS = 200;
const DAY_MS = 86_400_000;

export function DataView({ title, data }: { title: string; data: DataTable }) {
  const first = data.columns.findIndex((column) => column.kind === "time");
  const times = first < 0 ? [] : data.rows.map((row) => Number(row[first]));
  const say = times.length && Math.max(...times) - Math.min(...times) > DAY_MS ? dayAndTime : time;
  return (
    <article class="panel data-view">
      <h2>{title}</h2>
      {data.rows.length === 0 ? (
        <p class="empty">No data in this range</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label={`${title} as a table`}>
          <table>
            <thead>
              <tr>
                {data.columns.map((column, i) => (
                  <th scope="col" key={i}>
                    <bdi>{column.title}</bdi>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.rows.slice(0, MOST_ROWS).map((row, at) => (
                <tr key={at}>
                  {row.map((cell, i) => {
                    const column = data.columns[i];
                    const said = typeof cell === "string" ? cell : column?.kind === "time" ? say(Number(cell)) : inWords(cell, column?.unit ?? "");
                    return i === 0 ? (
                      <th scope="row" key={i}>
                        <bdi>{said}</bdi>
                      </th>
                    ) : (
                      <td key={i}>
                        <bdi>{said}</bdi>
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {data.rows.length > MOST_ROWS && <p class="muted">and {data.rows.length - MOST_ROWS} more rows: download them as CSV</p>}
    </article>
  );
}
