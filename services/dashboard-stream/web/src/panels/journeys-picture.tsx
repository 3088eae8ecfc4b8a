/** Journeys as a Sankey diagram: nodes are steps, bands the paths from one to the next; both lead to their users. */
import { useRef } from "preact/hooks";
import type { PathNode, PathsAnswer } from "../model/contracts.ts";
import { whole } from "../model/format.ts";
import { edgeInWords, headOf, type JourneysQuestion, toneOf } from "../model/journeys.ts";
import { HEAD, NODE, sankeyOf } from "../model/sankey.ts";
import { useWidth } from "./use-width.ts";
import "./product.css";

/** Where a node leads, or the edge from it to another; empty: nowhere. */
export type JourneyLink = (node: PathNode, next?: PathNode) => string;

interface Props {
  answer: PathsAnswer;
  question: JourneysQuestion;
  linkOf: JourneyLink;
}

/** Of a column, so that names of some length stand beside its nodes. */
const LEAST = 150;
const LETTER = 6.6;
const BESIDE = 6;

export function JourneysPicture({ answer, question, linkOf }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const room = useWidth(place);
  const { width, height, columns, nodes, edges } = sankeyOf(answer, room, LEAST);
  const letters = Math.floor((width / Math.max(1, columns.length) - NODE - 3 * BESIDE) / LETTER);
  return (
    <div class="scroll-x sankey" ref={place} tabIndex={0} role="region" aria-label="Diagram">
      {/* Readers of the screen have the tables below it. */}
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="group" aria-label="Paths from left to right; the tables below say the same">
        {columns.map(({ step, x }) => (
          <text key={step} class="head" x={x} y={HEAD - 14}>
            {short(headOf(step, question), letters + 3)}
          </text>
        ))}
        {edges.map(({ edge, d }) => (
          <a key={`${edge.source} ${edge.target}`} class={`edge ${toneOf(edge)}`} tabIndex={-1} aria-label={edgeInWords(edge, answer.nodes)} href={linkOf(answer.nodes[edge.source] as PathNode, answer.nodes[edge.target]) || undefined}>
            <title>{edgeInWords(edge, answer.nodes)}</title>
            <path d={d} />
          </a>
        ))}
        {nodes.map(({ node, x, y, height: tall }) => (
          <a key={`${node.step} ${node.other ? "" : "="}${node.name}`} class={node.other ? "node other" : "node"} tabIndex={-1} aria-label={`${node.name}: ${whole(node.count)}`} href={linkOf(node) || undefined}>
            <title>{`${node.name}: ${whole(node.count)}`}</title>
            <rect x={x} y={y} width={NODE} height={tall} rx={2} />
            <text x={x + NODE + BESIDE} y={y + Math.max(13, tall / 2 + 4)}>
              {short(node.name, letters - String(node.count).length - 1)} <tspan class="count">{whole(node.count)}</tspan>
            </text>
          </a>
        ))}
      </svg>
    </div>
  );
}

function short(name: string, letters: number): string {
  const all = [...name];
  return all.length > letters ? `${all.slice(0, Math.max(1, letters - 1)).join("")}…` : name;
}
