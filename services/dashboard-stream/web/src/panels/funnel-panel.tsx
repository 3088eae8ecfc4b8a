/** A funnel in a panel: its bars lead to the users behind them, its title to the page where it can be changed. */
import { useContext } from "preact/hooks";
import { fetchFunnel } from "../live/product.ts";
import type { FunnelAnswer, FunnelPanel as Funnel } from "../model/contracts.ts";
import type { DataTable } from "../model/data-table.ts";
import { askedFunnel, barsOf, type FunnelQuestion, funnelQuestion, funnelUsersLink } from "../model/funnels.ts";
import { capital } from "../model/format.ts";
import { keyOf } from "../model/panels.ts";
import { questionLink } from "../model/product.ts";
import { AskedPanel } from "./asked-panel.tsx";
import { FunnelNumbers } from "./funnel-bars.tsx";
import type { Drawn } from "./panel-data.ts";
import { SavedFunnel } from "./saved-funnel.tsx";
import { StoredAnswers } from "./stored-answers.ts";

export function FunnelPanel({ panel, drawn: seen }: { panel: Funnel; drawn: Drawn }) {
  const funnel = funnelQuestion(panel);
  const isStored = useContext(StoredAnswers) !== null;
  const to = Math.round(seen.now);
  const saved = panel.saved && seen.follows && !isStored ? seen.board.funnels.get(panel.saved) : undefined;
  if (saved) return <SavedFunnel title={panel.title} result={saved} rows={(answer) => rowsOf(answer, saved.funnel)} />;
  if (!askedFunnel(funnel)) {
    return (
      <article class="panel">
        <h2>{panel.title}</h2>
        <p class="empty">{funnel.unit === "account" && !funnel.account ? "Name the property that tells accounts apart." : "Name the event of each step, and the property of each condition."}</p>
      </article>
    );
  }
  return (
    <AskedPanel
      id={keyOf(panel)}
      title={panel.title}
      link={questionLink("funnels", { ...funnel }, { from: Math.round(to - seen.minutes * 60_000), to })}
      asks={JSON.stringify(funnel)}
      seen={seen}
      kind="funnel"
      ask={(from, to, signal) => fetchFunnel({ ...funnel, from, to }, signal)}
      rows={(answer) => rowsOf(answer, funnel)}
    >
      {(answer) => <FunnelNumbers answer={answer} funnel={funnel} linkOf={(chosen) => (isStored ? "" : funnelUsersLink(funnel, answer, chosen))} />}
    </AskedPanel>
  );
}

function rowsOf(answer: FunnelAnswer, panel: FunnelQuestion): DataTable {
  const groups = (answer.groups ?? []).flatMap(({ value, other, ...group }) => barsOf({ steps: group.steps }, panel).map((bar) => [other ? "other" : (value ?? "unknown"), bar.title, bar.users, bar.ofFirst, bar.ofPrevious]));
  return {
    columns: [
      { title: panel.breakdown || "Of", unit: "", kind: "text" },
      { title: "Step", unit: "", kind: "text" },
      { title: capital(`${answer.unit ?? "user"}s`), unit: `{${answer.unit ?? "user"}}`, kind: "number" },
      { title: "Of the first step", unit: "share", kind: "number" },
      { title: "Of the step before", unit: "share", kind: "number" },
    ],
    rows: [...barsOf(answer, panel).map((bar) => ["all", bar.title, bar.users, bar.ofFirst, bar.ofPrevious]), ...groups],
  };
}
