/** Drishti's own services, which are on a page when somebody asks for them: what people look for is theirs. Pure. */
import type { InsightEvent } from "./board.ts";
import type { ServiceMapAnswer } from "./contracts.ts";

/** What their tokens begin with, and those of no other service: their telemetry says the namespace `drishti`. */
const PREFIX = "drishti--";

/** Tokens of services. */
export const OWN_SERVICES: readonly string[] = ["gateway", "analytics", "predictor", "dashboard-stream"].map((name) => PREFIX + name);

/** Whether the service is one of Drishti's own. */
export function isOwn(service: string): boolean {
  return service.startsWith(PREFIX);
}

/** What the switch says, on every page that has it. */
export const OWN_TITLE = "Drishti's own services";

/** Whether Drishti's own services are shown: where the address says so, or names one of them, by its token or its name. */
export function ownShown(own: boolean, service: string): boolean {
  return own || isOwn(service.replace(/^drishti\//, PREFIX));
}

/** `asked` without Drishti's own services, unless they are shown. */
export function withoutOwnUnless(shown: boolean, asked: URLSearchParams): URLSearchParams {
  if (!shown) for (const one of OWN_SERVICES) asked.append("without_service", one);
  return asked;
}

/** The map without Drishti's own services, and without what only these call or are called by. */
export function withoutOwn(map: ServiceMapAnswer): ServiceMapAnswer {
  const own = new Set(map.nodes.filter((node) => node.kind === "service" && isOwn(node.name)).map((node) => node.id));
  if (own.size === 0) return map;
  const edges = map.edges.filter((edge) => !own.has(edge.caller) && !own.has(edge.callee));
  const left = new Set(edges.flatMap((edge) => [edge.caller, edge.callee]));
  const nodes = map.nodes.filter((node) => !own.has(node.id) && (node.kind === "service" || left.has(node.id)));
  return { ...map, nodes, edges };
}

/** What models say of anything but a series of Drishti's own services. */
export function ofUsers(insights: readonly InsightEvent[]): InsightEvent[] {
  return insights.filter((one) => !isOwn(serviceOf(one) ?? ""));
}

/** The service that an insight is about, where it is about one. */
export function serviceOf(insight: InsightEvent): string | undefined {
  return "labels" in insight ? insight.labels?.["service"] : undefined;
}
