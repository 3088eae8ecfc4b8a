/** Retention in a panel: its cells lead to the users behind them, its title to the page where it can be changed. */
import { useContext } from "preact/hooks";
import { fetchRetention } from "../live/product.ts";
import type { RetentionAnswer, RetentionPanel as Retention } from "../model/contracts.ts";
import type { DataTable } from "../model/data-table.ts";
import { keyOf } from "../model/panels.ts";
import { columnInWords, completeRetention, periodInWords, retentionQuestion, retentionUsersLink } from "../model/retention.ts";
import type { Seen } from "./panel-data.ts";
import { ProductPanel } from "./product-panel.tsx";
import { RetentionTable } from "./retention-table.tsx";
import { StoredAnswers } from "./stored-answers.ts";

export function RetentionPanel({ panel, seen }: { panel: Retention; seen: Seen }) {
  const question = retentionQuestion(panel);
  const isStored = useContext(StoredAnswers) !== null;
  return (
    <ProductPanel id={keyOf(panel)} title={panel.title} kind="retention" asked={completeRetention(question)} ask={fetchRetention} seen={seen} rows={(answer) => rowsOf(answer, panel)}>
      {(answer) => <RetentionTable answer={answer} question={question} linkOf={(chosen) => (isStored ? "" : retentionUsersLink(question, answer, chosen))} />}
    </ProductPanel>
  );
}

function rowsOf({ cohorts, columns, interval, groups = [] }: RetentionAnswer, { breakdown, tz }: Retention): DataTable {
  const of = [{ value: "all", cohorts }, ...groups.map((group) => ({ value: group.other ? "other" : (group.value ?? "unknown"), cohorts: group.cohorts }))];
  return {
    columns: [
      { title: breakdown || "Of", unit: "", kind: "text" },
      { title: "Cohort", unit: "", kind: "text" },
      { title: "Period", unit: "", kind: "text" },
      { title: "Users", unit: "{user}", kind: "number" },
      { title: "Came back", unit: "{user}", kind: "number" },
      { title: "Share", unit: "share", kind: "number" },
      { title: "Period is over", unit: "", kind: "text" },
    ],
    rows: of.flatMap((group) =>
      group.cohorts.flatMap(({ from, size, users, complete }) =>
        users.map((count, place) => {
          const column = columns[place];
          return [group.value, periodInWords(from, interval, tz), column ? columnInWords(column, interval) : "", size, count, size ? count / size : null, place < complete ? "yes" : "no"];
        }),
      ),
    ),
  };
}
