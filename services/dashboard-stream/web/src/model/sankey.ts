/** Where the nodes and edges of paths are drawn: a column for each step, heights by the number of paths. Pure. */
import type { PathEdge, PathNode, PathsAnswer } from "./contracts.ts";

export interface DrawnNode {
  node: PathNode;
  x: number;
  y: number;
  height: number;
}

export interface DrawnEdge {
  edge: PathEdge;
  /** The outline of a band from one node to another. */
  d: string;
}

export interface Sankey {
  width: number;
  height: number;
  /** The steps from left to right, with the left side of each. */
  columns: { step: number; x: number }[];
  nodes: DrawnNode[];
  edges: DrawnEdge[];
}

/** Width of a node, and from one column to the next. */
export const NODE = 12;
/** A line of text needs this much, and stands beside its node. */
const LINE = 18;
const GAP = 8;
/** Of the column with the most paths, without gaps. */
const TALLEST = 300;
const LEAST_BAND = 1;
/** Above the nodes: what heads each column. */
export const HEAD = 28;

/** `room`: the width that there is; columns are `least` wide at least. */
export function sankeyOf({ nodes, edges }: Pick<PathsAnswer, "nodes" | "edges">, room: number, least: number): Sankey {
  const steps = [...new Set(nodes.map(({ step }) => step))].sort((a, b) => a - b);
  const column = Math.max(least, Math.floor(room / Math.max(1, steps.length)));
  const places = nodes.map((_, place) => place);
  const most = Math.max(1, ...steps.map((step) => sum(nodes.filter((node) => node.step === step).map(({ count }) => count))));
  const scale = TALLEST / most;
  const drawn: DrawnNode[] = [];
  let height = HEAD;
  for (const [at, step] of steps.entries()) {
    let y = HEAD;
    for (const place of places.filter((one) => nodes[one]?.step === step).sort((a, b) => order(nodes[a] as PathNode, nodes[b] as PathNode))) {
      const node = nodes[place] as PathNode;
      const tall = Math.max(2, node.count * scale);
      drawn[place] = { node, x: at * column, y, height: tall };
      y += Math.max(tall, LINE) + GAP;
    }
    height = Math.max(height, y);
  }
  const used = nodes.map(() => ({ out: 0, in: 0 }));
  const bands = new Map<PathEdge, { start: number; end: number; tall: number }>();
  const of = (edge: PathEdge) => ({ from: drawn[edge.source], to: drawn[edge.target] });
  const known = edges.filter((edge) => of(edge).from && of(edge).to);
  const tallOf = (edge: PathEdge) => edge.count * scale;
  // Bands leave a node in the order of the nodes that they lead to, and arrive in that of those that they come from.
  for (const edge of [...known].sort((a, b) => (of(a).to as DrawnNode).y - (of(b).to as DrawnNode).y)) {
    const [place, from] = [used[edge.source] as { out: number }, of(edge).from as DrawnNode];
    bands.set(edge, { start: from.y + place.out, end: 0, tall: tallOf(edge) });
    place.out += tallOf(edge);
  }
  for (const edge of [...known].sort((a, b) => (of(a).from as DrawnNode).y - (of(b).from as DrawnNode).y)) {
    const [place, to] = [used[edge.target] as { in: number }, of(edge).to as DrawnNode];
    (bands.get(edge) as { end: number }).end = to.y + place.in;
    place.in += tallOf(edge);
  }
  const drawnEdges = known.map((edge) => {
    const { start, end, tall } = bands.get(edge) as { start: number; end: number; tall: number };
    return { edge, d: band((of(edge).from as DrawnNode).x + NODE, start, (of(edge).to as DrawnNode).x, end, Math.max(LEAST_BAND, tall)) };
  });
  return { width: steps.length * column, height, columns: steps.map((step, at) => ({ step, x: at * column })), nodes: drawn, edges: drawnEdges };
}

/** The largest first, all others last. */
function order(a: PathNode, b: PathNode): number {
  return Number(a.other ?? false) - Number(b.other ?? false) || b.count - a.count || a.name.localeCompare(b.name);
}

function band(x1: number, y1: number, x2: number, y2: number, tall: number): string {
  const middle = (x1 + x2) / 2;
  const [low1, low2] = [y1 + tall, y2 + tall];
  return `M${at(x1, y1)}C${at(middle, y1)} ${at(middle, y2)} ${at(x2, y2)}V${round(low2)}C${at(middle, low2)} ${at(middle, low1)} ${at(x1, low1)}Z`;
}

function at(x: number, y: number): string {
  return `${round(x)},${round(y)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function sum(values: readonly number[]): number {
  return values.reduce((all, one) => all + one, 0);
}
