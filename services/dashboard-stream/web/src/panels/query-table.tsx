/** The numbers of queries as a table: a row for each group, a column for each query. */
import type { Came } from "../live/query-answer.ts";
import type { QueryPanel } from "../model/contracts.ts";
import { inWords } from "../model/format.ts";
import { nameOfQuery, type Total, unitAt } from "../model/stored-query.ts";
import type { Row } from "../model/table-rows.ts";
import { SortableTable } from "./sortable-table.tsx";

export function QueryTable({ panel, came }: { panel: QueryPanel; came: Pick<Came, "totals" | "unit" | "units"> }) {
  return (
    <SortableTable
      title={panel.title}
      head={[...new Set(panel.queries.flatMap((query) => query.group_by ?? []))].join(" · ") || "Query"}
      columns={panel.queries.map(nameOfQuery)}
      rows={rowsOf(panel, came.totals)}
      text={({ text }) => <bdi>{text}</bdi>}
      cell={({ numbers }, column) => inWords(numbers[column], unitAt(came, column))}
      empty={<p class="empty">No data in this range</p>}
    />
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
