/** Which call of a service map is shown by itself, and where its traces, errors and operations are. Pure. */
import type { MapEdge, MapNode, ServiceMapAnswer } from "./contracts.ts";
import { BOTTLENECKS_PATH, ERRORS_PATH, linkTo, sameWindow } from "./explorer-choice.ts";
import { TRACES_PATH } from "./explorer.ts";
import type { TimeWindow } from "./time-range.ts";

export interface Way {
  title: string;
  address: string;
}

/** An edge as an address names it, and the edge that it names. */
export function edgeId(edge: Pick<MapEdge, "caller" | "callee">): string {
  return `${edge.caller}>${edge.callee}`;
}

export function edgeOf(map: ServiceMapAnswer, id: string): MapEdge | null {
  return map.edges.find((edge) => edgeId(edge) === id) ?? null;
}

/** The calls of the service and to it, and who has a part in them. */
export function mapAround(map: ServiceMapAnswer, service: string): ServiceMapAnswer {
  const ids = new Set(map.nodes.filter(({ kind, name }) => kind === "service" && name === service).map(({ id }) => id));
  const edges = map.edges.filter(({ caller, callee }) => ids.has(caller) || ids.has(callee));
  const near = new Set([...ids, ...edges.flatMap(({ caller, callee }) => [caller, callee])]);
  return { ...map, nodes: map.nodes.filter(({ id }) => near.has(id)), edges };
}

/**
 * Where the numbers of an edge come from: what is called, where that is a service, and else the calls of the caller. Traces of the
 * callee may have come by other callers, too; so many are said to be.
 */
export function waysOf(edge: MapEdge, nodes: ReadonlyMap<string, MapNode>, window: TimeWindow): Way[] {
  const [caller, callee] = [nodes.get(edge.caller), nodes.get(edge.callee)];
  const range = sameWindow(window);
  const of = callee?.kind === "service" ? callee : caller?.kind === "service" ? caller : null;
  if (!of) return [];
  const service = of.name;
  // A service is entered by its SERVER or CONSUMER spans; what sends no spans is seen by the CLIENT spans of its caller.
  const ways: Way[] = [
    { title: "Traces", address: linkTo(TRACES_PATH, { ...range, service }) },
    { title: "Slowest traces", address: linkTo(TRACES_PATH, { ...range, service, order: "slowest" }) },
  ];
  if (edge.traffic.errors) ways.push({ title: "Failed traces", address: linkTo(TRACES_PATH, { ...range, service, status: "error" }) });
  ways.push({ title: "Errors", address: linkTo(ERRORS_PATH, { ...range, service }) }, { title: "Operations and what they wait for", address: linkTo(BOTTLENECKS_PATH, { ...range, service }) });
  return ways;
}
