/** Journeys in a panel: steps and bands lead to the users behind them, its title to the page where it can be changed. */
import { useContext } from "preact/hooks";
import { fetchJourneys } from "../live/product.ts";
import type { JourneysPanel as Journeys, PathsAnswer } from "../model/contracts.ts";
import type { DataTable } from "../model/data-table.ts";
import { counted } from "../model/format.ts";
import { completeJourneys, headOf, type JourneysQuestion, journeysUsersLink } from "../model/journeys.ts";
import { keyOf } from "../model/panels.ts";
import { questionOfPanel } from "../model/product.ts";
import { JourneysPicture } from "./journeys-picture.tsx";
import type { Seen } from "./panel-data.ts";
import { ProductPanel } from "./product-panel.tsx";
import { StoredAnswers } from "./stored-answers.ts";

export function JourneysPanel({ panel, seen }: { panel: Journeys; seen: Seen }) {
  const question: JourneysQuestion = questionOfPanel(panel);
  const isStored = useContext(StoredAnswers) !== null;
  return (
    <ProductPanel id={keyOf(panel)} title={panel.title} kind="journeys" asked={completeJourneys(question)} ask={fetchJourneys} seen={seen} rows={(answer) => rowsOf(answer, question)}>
      {(answer) => (
        <>
          <p>
            {counted(answer.paths, "path")} of {counted(answer.users, "user")}
          </p>
          {answer.paths > 0 && <JourneysPicture answer={answer} question={question} linkOf={(node, next) => (isStored ? "" : journeysUsersLink(question, answer, node, next))} />}
        </>
      )}
    </ProductPanel>
  );
}

function rowsOf({ nodes, edges }: PathsAnswer, question: JourneysQuestion): DataTable {
  return {
    columns: [
      { title: "Step", unit: "", kind: "text" },
      { title: "From", unit: "", kind: "text" },
      { title: "To", unit: "", kind: "text" },
      { title: "Paths", unit: "{path}", kind: "number" },
      { title: "Users", unit: "{user}", kind: "number" },
      { title: "Half within", unit: "ms", kind: "number" },
      { title: "Latency", unit: "ms", kind: "number" },
      { title: "Failed", unit: "share", kind: "number" },
    ],
    rows: edges.map(({ source, target, count, users, median_ms, latency_ms, error_rate }) => [headOf(nodes[source]?.step ?? 0, question), nodes[source]?.name ?? "", nodes[target]?.name ?? "", count, users, median_ms, latency_ms ?? null, error_rate ?? null]),
  };
}
