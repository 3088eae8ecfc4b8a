/** Rows for the values of a label: services, models, topics; the largest first or as a column orders them, with a bar for how large. Every number leads to its metric, a service to its traces. */
import { FirstData } from "../charts/first-data.tsx";
import type { Board } from "../model/board.ts";
import type { Units } from "../model/catalogue.ts";
import { inWords } from "../model/format.ts";
import type { Table as TablePanel } from "../model/contracts.ts";
import { linkTo } from "../model/explorer-choice.ts";
import { TRACES_PATH } from "../model/explorer.ts";
import { metricLink } from "../model/metric-choice.ts";
import { readingOf, withSince } from "../model/panels.ts";
import { type Row, windowsInWords } from "../model/table-rows.ts";
import { labelText, labelled, tooltip } from "../model/names.ts";
import { SortableTable } from "./sortable-table.tsx";

export function Table({ table, board, units, now }: { table: TablePanel; board: Board; units: Units; now: number }) {
  const columns = table.columns.map((column) => ({ title: column.title, column, reading: readingOf(column) }));
  const first = columns[0]?.reading ?? "";
  const values = [...new Set(columns.flatMap((column) => board.labelValues(column.reading, table.by)))];
  const rows = values.map(
    (value): Row => ({
      value,
      text: labelText(table.by, value, board.given(table.by, value)),
      numbers: columns.map(({ reading }) => board.value(labelled(reading, table.by, value))),
    }),
  );
  return (
    <article class="panel table">
      <h2>
        {table.title} <small>{board.range?.whole ? "whole range" : windowsInWords(columns.map(({ title, reading, column }) => ({ title, seconds: column.span ? null : units.windowOf(reading) })))}</small>
      </h2>
      <SortableTable
        title={table.title}
        head={table.head}
        columns={columns.map(({ title, column }) => withSince(title, column.span, now))}
        rows={rows}
        text={({ value, text }) => (
          <a href={rowLink(table, value)} title={[tooltip(value, board.given(table.by, value)), table.by === "service" ? "Traces of this service" : ""].filter(Boolean).join(": ") || undefined}>
            <bdi>{text}</bdi>
          </a>
        )}
        cell={({ value, numbers }, place) => {
          const { column, reading } = columns[place] as (typeof columns)[number];
          return <a href={metricLink({ ...column, by: null, labels: { [table.by]: value } })}>{inWords(numbers[place], units.of(reading))}</a>;
        }}
        empty={<FirstData metric={board.frames ? units.metricOf(first) : ""} />}
      />
    </article>
  );
}

function rowLink(table: TablePanel, value: string): string {
  if (table.by === "service") return linkTo(TRACES_PATH, { service: value, range: "15m" });
  return metricLink({ ...(table.columns[0] as TablePanel["columns"][number]), by: null, labels: { [table.by]: value } });
}
