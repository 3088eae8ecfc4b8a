import assert from "node:assert/strict";
import { test } from "node:test";
import type { MapNode, ServiceMapAnswer } from "../../src/model/contracts.ts";
import { conditionsOf, durationsOf, sorted, traceChoiceOf, traceQueryOf } from "../../src/model/explorer.ts";
import { edgeId, edgeOf, waysOf } from "../../src/model/map-edges.ts";
import { askedOf, choiceOf, ERROR_FIELDS, LOG_FIELDS, queryOf } from "../../src/model/explorer-choice.ts";
import { ofUsers, OWN_SERVICES, ownShown, withoutOwn, withoutOwnUnless } from "../../src/model/own-services.ts";
import { anomaly } from "../fixtures.ts";

function map(edges: [string, string][]): ServiceMapAnswer {
  const ids = [...new Set(edges.flat())];
  const nodes = ids.map((id): MapNode => ({ id, kind: id.split(":")[0] as MapNode["kind"], name: id.split(":")[1] ?? "", traffic: {} }));
  return { from: 0, to: 1, as_of: 1, complete_to: 1, nodes, edges: edges.map(([caller, callee]) => ({ caller, callee, share: 1, traffic: { errors: 1 } })) } as ServiceMapAnswer;
}

const SHOP = map([
  ["entry:user", "service:shop"],
  ["service:shop", "database:pg"],
  ["broker:nats EVENTS", "service:drishti--analytics"],
  ["service:drishti--analytics", "broker:nats AGGREGATES"],
  ["service:shop", "service:gateway"],
]);

test("Drishti's own services are hidden with what only they call, unless somebody asks for them", () => {
  const shown = withoutOwn(SHOP);
  assert.deepEqual(shown.nodes.map((node) => node.id).sort(), ["database:pg", "entry:user", "service:gateway", "service:shop"]);
  assert.equal(shown.edges.length, 3, "a service of a user is shown, whatever its name");
  const others = map([["service:shop", "database:pg"]]);
  assert.equal(withoutOwn(others), others);
  const without = (query: string) => conditionsOf(traceChoiceOf(query), 1e12).getAll("without_service");
  assert.deepEqual(without(""), OWN_SERVICES);
  assert.deepEqual(without("?own=1"), []);
  assert.deepEqual(without("?service=drishti--analytics"), [], "a link to one of them shows it");
  assert.deepEqual(without("?service=analytics"), OWN_SERVICES);
  assert.equal(traceQueryOf(traceChoiceOf("?sort=errors&own=1&edge=a%3Eb")), "?sort=errors&own=1&edge=a%3Eb");
});

test("a call of the map leads to the traces, errors and operations of what is called, or of who calls what sends no spans", () => {
  const nodes = new Map(SHOP.nodes.map((node) => [node.id, node]));
  const window = traceChoiceOf("?range=6h");
  const edge = edgeOf(SHOP, "service:shop>database:pg");
  assert.ok(edge);
  assert.equal(edgeId(edge), "service:shop>database:pg");
  const ways = waysOf(edge, nodes, window);
  assert.ok(ways.every((way) => way.address.includes("service=shop") && way.address.includes("range=6h")));
  assert.ok(ways.some((way) => way.title === "Failed traces"));
  assert.equal(edgeOf(SHOP, "a>b"), null);
});

test("a range of durations is from one bucket to the other, whichever way it is dragged", () => {
  const bucket = (from_ms: number, to_ms: number) => ({ from_ms, to_ms, spans: 1, errors: 0, trace_id: "" });
  const buckets = [bucket(1, 2), bucket(2, 4), bucket(4, 8)];
  assert.deepEqual(durationsOf(buckets, 2, 1), { min: "2", max: "8" });
  assert.deepEqual(durationsOf(buckets, 0, 0), { min: "1", max: "2" });
  assert.deepEqual(durationsOf(buckets, 0, 9), { min: "", max: "" });
});

test("traces that are shown are in the order of the column that says so, whichever of their spans was found", () => {
  const trace = (spans: number, errors: number, start_ms: number, duration_ms: number) => ({ spans, errors, start_ms, duration_ms }) as Parameters<typeof sorted>[0][number];
  // As they come: the newest span that was found is of the trace that began first.
  const traces = [trace(1, 5, 1_000, 30), trace(3, 0, 3_000, 20), trace(2, 9, 2_000, 10)];
  const shown = (sort: "" | "spans" | "errors", slowest = false) => sorted(traces, { sort, slowest }).map((one) => one.spans);
  assert.deepEqual(shown("spans"), [3, 2, 1]);
  assert.deepEqual(shown("errors"), [2, 1, 3]);
  assert.deepEqual(shown(""), [3, 2, 1]);
  assert.deepEqual(shown("", true), [1, 3, 2]);
});

test("what models say of Drishti's own services is not said of a user's", () => {
  const of = (key: string, service?: string) => anomaly({ key, series: key, ...(service ? { labels: { service } } : {}) });
  const left = ofUsers([of("all"), of("theirs", "gateway"), of("own", "drishti--gateway")]);
  assert.deepEqual(left.map((one) => one.key), ["all", "theirs"]);
});

test("a question leaves Drishti's own services out unless they are shown, and a name shows them as a token does", () => {
  const asked = (own: boolean, service: string) => withoutOwnUnless(ownShown(own, service), new URLSearchParams("from=1")).getAll("without_service");
  assert.deepEqual(asked(false, ""), OWN_SERVICES);
  assert.deepEqual(asked(false, "shop"), OWN_SERVICES);
  assert.deepEqual(asked(true, ""), []);
  assert.deepEqual(asked(false, "drishti--gateway"), []);
  assert.deepEqual(asked(false, "drishti/gateway"), []);
  assert.equal(queryOf(choiceOf("?service=shop&own=1", LOG_FIELDS), LOG_FIELDS), "?service=shop&own=1");
  assert.equal(askedOf(choiceOf("?own=1", ERROR_FIELDS), ERROR_FIELDS, 1e12).has("own"), false, "the API of errors has no such parameter");
});
