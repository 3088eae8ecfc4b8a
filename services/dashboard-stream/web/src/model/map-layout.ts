/**
 * Where the nodes of a service map stand: callers left of those whom they call, the busiest on top; or, where there is no room
 * beside each other, one below the other, each indented below a service that calls it. Pure.
 */
import type { MapEdge, MapNode, ServiceMapAnswer } from "./contracts.ts";

export const NODE = { width: 190, height: 64 };
const GAP = { x: 150, y: 26 };
const MARGIN = 16;
/** One below the other: how far a callee is indented, how often at most, and where the lines to callees leave a node. */
const INDENT = { x: 20, most: 4, line: 10 };
/** The room between such nodes, and besides for each label of a call above its callee. */
const DOWN = { gap: 12, label: 16 };

export interface Placed {
  node: MapNode;
  x: number;
  y: number;
}

/** Places of a label along its edge, the first that is free of other labels counts; nearer to the callee first, as several edges leave a caller in one place. */
const PLACES = [0.55, 0.68, 0.42, 0.78, 0.32, 0.86, 0.24];
/** Room of a label, the longer one with a share of failed calls. */
const LABEL = { width: 52, failed: 120, height: 15 };

export interface Drawn {
  edge: MapEdge;
  /** The path of an SVG. */
  d: string;
  /** Where its label stands. */
  x: number;
  y: number;
}

export interface MapLayout {
  width: number;
  height: number;
  nodes: Placed[];
  edges: Drawn[];
}

export function layoutOf(map: ServiceMapAnswer): MapLayout {
  const column = columnsOf(map);
  const columns: MapNode[][] = [];
  const alone = aloneOf(map);
  for (const node of [...map.nodes.filter((one) => !alone.has(one.id)), ...map.nodes.filter((one) => alone.has(one.id))]) (columns[column.get(node.id) ?? 0] ??= []).push(node);
  const at = new Map<string, Placed>();
  const used = columns.filter(Boolean);
  used.forEach((nodes, x) =>
    nodes.forEach((node, y) =>
      at.set(node.id, { node, x: MARGIN + x * (NODE.width + GAP.x), y: MARGIN + y * (NODE.height + GAP.y) }),
    ),
  );
  const rows = Math.max(1, ...used.map((nodes) => nodes.length));
  return {
    width: 2 * MARGIN + Math.max(1, used.length) * (NODE.width + GAP.x) - GAP.x,
    height: 2 * MARGIN + rows * (NODE.height + GAP.y) - GAP.y,
    nodes: [...at.values()],
    edges: apart(
      map.edges.flatMap((edge) => {
        const [from, to] = [at.get(edge.caller), at.get(edge.callee)];
        return from && to ? [curve(edge, from, to)] : [];
      }),
    ),
  };
}

/** All of it in the width of a phone: an outline, whose lines lead down to the callees, and calls back around the right. */
export function outlineOf(map: ServiceMapAnswer): MapLayout {
  const incoming = new Map<string, MapEdge[]>();
  for (const edge of map.edges) incoming.set(edge.callee, [...(incoming.get(edge.callee) ?? []), edge]);
  const at = new Map<string, Placed>();
  let bottom = MARGIN;
  for (const { node, depth } of inOutline(map)) {
    const y = bottom + DOWN.label * (incoming.get(node.id)?.length ?? 0);
    at.set(node.id, { node, x: MARGIN + INDENT.x * Math.min(depth, INDENT.most), y });
    bottom = y + NODE.height + DOWN.gap;
  }
  const edges = map.edges.flatMap((edge): Drawn[] => {
    const [from, to] = [at.get(edge.caller), at.get(edge.callee)];
    if (!from || !to) return [];
    const place = incoming.get(edge.callee)?.indexOf(edge) ?? 0;
    return [{ edge, d: from === to ? loop(from) : downwards(from, to), x: to.x + NODE.width / 2, y: to.y - 6 - DOWN.label * place }];
  });
  const right = Math.max(...[...at.values()].map(({ x }) => x), MARGIN) + NODE.width;
  return { width: right + MARGIN, height: bottom - DOWN.gap + MARGIN, nodes: [...at.values()], edges };
}

/** Each node once, after the first that calls it; those that nobody calls, and what only circles reach, begin. */
function inOutline(map: ServiceMapAnswer): { node: MapNode; depth: number }[] {
  const nodes = new Map(map.nodes.map((node) => [node.id, node]));
  const others = map.edges.filter((edge) => edge.caller !== edge.callee);
  const called = new Set(others.map((edge) => edge.callee));
  const alone = aloneOf(map);
  const first = (node: MapNode) => (alone.has(node.id) ? 2 : called.has(node.id) ? 1 : 0);
  const found = new Map<string, { node: MapNode; depth: number }>();
  for (const start of [...map.nodes].sort((one, other) => first(one) - first(other))) {
    const waiting = [{ id: start.id, depth: 0 }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { id, depth } = next;
      const node = nodes.get(id);
      if (!node || found.has(id)) continue;
      found.set(id, { node, depth });
      const callees = others.filter((edge) => edge.caller === id).map((edge) => ({ id: edge.callee, depth: depth + 1 }));
      waiting.push(...callees.reverse());
    }
  }
  return [...found.values()];
}

function downwards(from: Placed, to: Placed): string {
  const x = from.x + INDENT.line;
  if (to.y < from.y) {
    const [x1, x2] = [from.x + NODE.width, to.x + NODE.width];
    const side = Math.max(x1, x2) + MARGIN - 4;
    return `M${x1},${from.y + NODE.height / 2} C${side},${from.y + NODE.height / 2} ${side},${to.y + NODE.height / 2} ${x2},${to.y + NODE.height / 2}`;
  }
  const start = `M${x},${from.y + NODE.height}`;
  return x < to.x ? `${start} V${to.y + NODE.height / 2} H${to.x}` : `${start} V${to.y}`;
}

/** Nodes without an edge to another one: they stand below those that have. */
function aloneOf({ nodes, edges }: ServiceMapAnswer): Set<string> {
  const alone = new Set(nodes.map((node) => node.id));
  for (const { caller, callee } of edges) {
    if (caller === callee) continue;
    alone.delete(caller);
    alone.delete(callee);
  }
  return alone;
}

/** How far each node is from where requests come in; calls back do not count. */
function columnsOf({ nodes, edges }: ServiceMapAnswer): Map<string, number> {
  const callees = new Map<string, string[]>();
  const called = new Set<string>();
  for (const { caller, callee } of edges) {
    if (caller === callee) continue;
    callees.set(caller, [...(callees.get(caller) ?? []), callee]);
    called.add(callee);
  }
  const column = new Map<string, number>();
  const entries = nodes.filter((node) => !called.has(node.id)).map((node) => node.id);
  const waiting = entries.length ? entries : nodes.slice(0, 1).map((node) => node.id);
  for (const id of waiting) column.set(id, 0);
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    for (const callee of callees.get(next) ?? []) {
      if (column.has(callee)) continue;
      column.set(callee, (column.get(next) ?? 0) + 1);
      waiting.push(callee);
    }
  }
  return column;
}

/** A drawn edge, and where a label is at a share of its way. */
interface Curve extends Omit<Drawn, "x" | "y"> {
  at: (share: number) => { x: number; y: number };
}

/** Labels that do not lie on each other, as far as there is room: the busiest edges choose first. */
function apart(curves: readonly Curve[]): Drawn[] {
  const taken: { x: number; y: number; width: number }[] = [];
  return curves.map(({ at, ...drawn }) => {
    const width = (drawn.edge.traffic.error_rate ?? 0) > 0 ? LABEL.failed : LABEL.width;
    const free = PLACES.map(at).find(({ x, y }) => !taken.some((one) => Math.abs(one.x - x) < (one.width + width) / 2 && Math.abs(one.y - y) < LABEL.height));
    const { x, y } = free ?? at(PLACES[0] ?? 0.5);
    taken.push({ x, y, width });
    return { ...drawn, x, y };
  });
}

function curve(edge: MapEdge, from: Placed, to: Placed): Curve {
  const [y1, y2] = [from.y + NODE.height / 2, to.y + NODE.height / 2];
  if (from === to) {
    return { edge, d: loop(from), at: () => ({ x: from.x + NODE.width + 4, y: from.y - 6 }) };
  }
  const forward = to.x > from.x;
  const x1 = forward ? from.x + NODE.width : from.x;
  const x2 = forward ? to.x : to.x === from.x ? to.x : to.x + NODE.width;
  const bend = to.x === from.x ? -60 : (x2 - x1) / 2;
  const [c1, c2] = [x1 + bend, to.x === from.x ? x2 + bend : x2 - bend];
  const at = (share: number) => ({ x: bezier(share, x1, c1, c2, x2), y: bezier(share, y1, y1, y2, y2) - 5 });
  return { edge, d: `M${x1},${y1} C${c1},${y1} ${c2},${y2} ${x2},${y2}`, at };
}

/** The calls of a node to itself. */
function loop({ x, y }: Placed): string {
  return `M${x + NODE.width - 30},${y} c0,-26 44,-26 30,18`;
}

function bezier(t: number, start: number, first: number, second: number, end: number): number {
  const left = 1 - t;
  return left ** 3 * start + 3 * left ** 2 * t * first + 3 * left * t ** 2 * second + t ** 3 * end;
}
