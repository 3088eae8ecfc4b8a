/** A saved funnel in a panel: its numbers come with the frames of the dashboard, over its own days. */
import { useLeft } from "../charts/left.ts";
import type { FunnelAnswer, FunnelResult } from "../model/contracts.ts";
import type { DataTable } from "../model/data-table.ts";
import { duration } from "../model/format.ts";
import { funnelUsersLink, questionOfSaved } from "../model/funnels.ts";
import { questionLink } from "../model/product.ts";
import { FunnelNumbers } from "./funnel-bars.tsx";
import { RowsOf } from "./rows.ts";

const DAY_MS = 86_400_000;

export function SavedFunnel({ title, result, rows }: { title: string; result: FunnelResult; rows: (answer: FunnelAnswer) => DataTable }) {
  const { answer, error } = result;
  const funnel = questionOfSaved(result);
  useLeft(RowsOf, () => (answer ? rows(answer) : null));
  return (
    <article class="panel asked of-funnel">
      <h2>
        {answer ? <a href={questionLink("funnels", { ...funnel }, answer)}>{title}</a> : <span>{title}</span>}
        <small>last {duration((result.funnel.days ?? 30) * DAY_MS)}, live</small>
      </h2>
      {error && <p class="empty">{error}</p>}
      {answer && <FunnelNumbers answer={answer} funnel={funnel} linkOf={(chosen) => funnelUsersLink(funnel, answer, chosen)} />}
    </article>
  );
}
