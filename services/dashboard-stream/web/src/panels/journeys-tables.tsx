/** Journeys as tables: from one step to the next, what the steps were, and whole paths. */
import type { PathNode, PathsAnswer } from "../model/contracts.ts";
import { percent } from "../model/explorer-choice.ts";
import { spent } from "../model/explorer.ts";
import { NONE, whole } from "../model/format.ts";
import { endsOf, headOf, isCutAt, type JourneysQuestion } from "../model/journeys.ts";
import { took } from "../model/product.ts";
import type { Row } from "../model/table-rows.ts";
import type { JourneyLink } from "./journeys-picture.tsx";
import { SortableTable } from "./sortable-table.tsx";
import "./product.css";

interface Props {
  answer: PathsAnswer;
  question: JourneysQuestion;
  linkOf: JourneyLink;
}

export function JourneyEdges({ answer: { nodes, edges }, question, linkOf }: Props) {
  const rows = edges.map(({ source, target, count, users, median_ms, latency_ms, error_rate }, place): Row => {
    const [from, to] = [nodes[source], nodes[target]];
    return { value: String(place), text: `${from?.name} → ${to?.name}`, numbers: [count, users, from?.count ? count / from.count : null, median_ms, latency_ms ?? null, error_rate ?? null] };
  });
  const words = [whole, whole, percent, took, spent, percent];
  return (
    <div class="scroll-x table">
      <SortableTable
        title="steps"
        head="From one step to the next"
        columns={["Paths", "Users", "Of the step before", "Half within", "Latency", "Failed"]}
        rows={rows}
        text={({ value }) => {
          const edge = edges[Number(value)];
          const [from, to] = [nodes[edge?.source ?? -1], nodes[edge?.target ?? -1]];
          if (!from || !to) return NONE;
          return (
            <span class="from-to">
              <small>{headOf(from.step, question)}</small> <NodeLink node={from} linkOf={linkOf} /> → <bdi>{to.name}</bdi>
            </span>
          );
        }}
        cell={({ value, numbers }, column) => {
          const number = numbers[column] ?? null;
          if (number === null) return NONE;
          const said = (words[column] ?? whole)(number);
          const edge = edges[Number(value)];
          const link = column === 1 && edge ? linkOf(nodes[edge.source] as PathNode, nodes[edge.target]) : "";
          return link ? <a href={link}>{said}</a> : said;
        }}
        empty={<p class="empty">No path went from one step to another.</p>}
      />
    </div>
  );
}

/** What paths do at each step: how many come by, and how many begin or end there. */
export function JourneyNodes({ answer, question, linkOf }: Props) {
  const ends = endsOf(answer);
  const backwards = Boolean(question.end);
  const rows = answer.nodes.map((node, place): Row => {
    const { name, count } = node;
    if (isCutAt(node, question)) return { value: String(place), text: name, numbers: [count, null, null] };
    const here = (backwards ? ends[place]?.begun : ends[place]?.ended) ?? 0;
    return { value: String(place), text: name, numbers: [count, here, count ? here / count : null] };
  });
  return (
    <div class="scroll-x table">
      <SortableTable
        title="names"
        head="Step"
        columns={["Paths", backwards ? "Begin here" : "End here", "Share of them"]}
        rows={rows}
        text={({ value }) => {
          const node = answer.nodes[Number(value)];
          return node ? (
            <span class="from-to">
              <small>{headOf(node.step, question)}</small> <NodeLink node={node} linkOf={linkOf} />
            </span>
          ) : (
            NONE
          );
        }}
        cell={({ numbers }, column) => {
          const number = numbers[column] ?? null;
          return number === null ? NONE : column === 2 ? percent(number) : whole(number);
        }}
        empty={<p class="empty">There are no paths.</p>}
      />
    </div>
  );
}

function NodeLink({ node, linkOf }: { node: PathNode; linkOf: JourneyLink }) {
  const link = linkOf(node);
  return link ? (
    <a href={link}>
      <bdi>{node.name}</bdi>
    </a>
  ) : (
    <bdi>{node.name}</bdi>
  );
}

/** Further ones are rare. */
const SHOWN = 10;

/** The most frequent paths from end to end. */
export function TopPaths({ answer: { top_paths = [], paths, missed = 0 } }: { answer: PathsAnswer }) {
  return (
    <>
      <ol class="top-paths">
        {top_paths.slice(0, SHOWN).map(({ steps, count }) => (
          <li key={JSON.stringify(steps)}>
            <span class="steps">
              {steps.map((step, at) => (
                <span key={at}>
                  {at > 0 && " → "}
                  <bdi>{step}</bdi>
                </span>
              ))}
            </span>
            <span>
              {whole(count)} <small>{percent(paths ? count / paths : 0)}</small>
            </span>
          </li>
        ))}
      </ol>
      {missed > 0 && <p class="muted">Each may have up to {whole(missed)} paths more than it says: there are very many different ones.</p>}
    </>
  );
}
