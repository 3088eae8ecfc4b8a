import assert from "node:assert/strict";
import { test } from "node:test";
import type { MapNode, ServiceMapAnswer } from "../../src/model/contracts.ts";
import { mapAround } from "../../src/model/map-edges.ts";

const node = (kind: MapNode["kind"], name: string): MapNode => ({ id: `${kind}:${name}`, kind, name, traffic: {} });
const edge = (caller: string, callee: string) => ({ caller, callee, share: 1, traffic: {} });

test("around a service are its calls and those to it, with whom they have to do", () => {
  const map = {
    nodes: [node("service", "web"), node("service", "shop"), node("service", "bank"), node("database", "web"), node("service", "alone")],
    edges: [edge("service:web", "service:shop"), edge("service:shop", "service:bank"), edge("service:bank", "database:web")],
    service_names: { web: "Web" },
  } as unknown as ServiceMapAnswer;
  const near = mapAround(map, "web");
  assert.deepEqual([near.nodes.map(({ id }) => id), near.edges, near.service_names], [["service:web", "service:shop"], map.edges.slice(0, 1), { web: "Web" }]);
  assert.deepEqual(mapAround(map, "shop").nodes.length, 3);
  assert.deepEqual([mapAround(map, "alone").nodes.length, mapAround(map, "gone").nodes.length], [1, 0]);
});
