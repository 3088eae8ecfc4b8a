import assert from "node:assert/strict";
import { test } from "node:test";
import { completeJourneys, edgeInWords, endsOf, headOf, isCutAt, journeysOf, journeysUsersInWords, journeysUsersLink, toneOf } from "../../src/model/journeys.ts";
import { usersChoiceOf } from "../../src/model/product.ts";
import { HEAD, NODE, sankeyOf } from "../../src/model/sankey.ts";

const NODES = [
  { step: 0, name: "page_view", count: 60 },
  { step: 1, name: "other", count: 4, other: true },
  { step: 1, name: "ask", count: 36 },
  { step: 2, name: "feedback", count: 9 },
];
const EDGES = [
  { source: 0, target: 1, count: 4, users: 4, median_ms: 1_000 },
  { source: 0, target: 2, count: 36, users: 30, median_ms: 3_600_000, latency_ms: 912, error_rate: 0.25 },
  { source: 2, target: 3, count: 9, users: 9, median_ms: 60_000, error_rate: 0 },
];

test("a question keeps what is not known here, and drops what cannot be", () => {
  const odd = journeysOf({ start: { event_type: 5, where: [null] }, end: { event_type: "b" }, max_steps: "3", group: [{ pattern: "/tea/*", name: "" }, 7], cohort: "loyal", collapse_repeats: false, latency: "" });
  assert.deepEqual(odd, { cohort: "loyal", start: { event_type: "" }, group: [{ pattern: "/tea/*" }], collapse_repeats: false, latency: "" });
});

test("a start needs a type or a condition, and what is as from the start is not sent", () => {
  assert.deepEqual(completeJourneys(journeysOf(null)), {});
  assert.equal(completeJourneys({ start: { event_type: "" } }), null);
  assert.equal(completeJourneys({ start: { event_type: "a", where: [{ property: "" }] } }), null);
  assert.deepEqual(completeJourneys({ end: { event_type: "", where: [{ property: "page", op: "exists" }] }, max_steps: 5, limit: 10, node: "event_type", gap_s: 1_800, group: [{ pattern: "" }] }), { end: { where: [{ property: "page", op: "exists" }] } });
});

test("steps are named from where paths begin or end, and edges with what happened on them", () => {
  assert.deepEqual([-2, 0, 1].map((step) => headOf(step, { end: { event_type: "feedback" } })), ["2 steps before", "feedback", "1 step later"]);
  assert.equal(headOf(0, {}), "First step");
  assert.equal(edgeInWords(EDGES[1] as (typeof EDGES)[1], NODES), "page_view → ask: 36 paths, 30 users, half within 1.0 h, latency 912 ms, 25 % failed");
  assert.deepEqual(EDGES.map((edge) => toneOf(edge)), ["", "bad", ""]);
  assert.deepEqual(endsOf({ nodes: NODES, edges: EDGES }).map(({ ended }) => ended), [20, 4, 27, 9]);
});

test("nodes and edges lead to their users, but those of the others", () => {
  const link = journeysUsersLink({ node: "page", limit: 5, latency: "took", errors: false }, { from: 1, to: 9 }, { step: 1, name: "/a", count: 1 }, { step: 2, name: "/b", count: 1 });
  const { of, question } = usersChoiceOf(link.slice(link.indexOf("?")));
  assert.equal(of, "paths/users");
  assert.deepEqual(question, { node: "page", from: 1, to: 9, step: 1, name: "/a", next_name: "/b" });
  assert.equal(journeysUsersLink({}, { from: 1, to: 9 }, { step: 1, name: "other", count: 1, other: true }), "");
  assert.equal(journeysUsersInWords(question ?? {}), "went from /a to /b, as step 2 of a path");
  assert.equal(journeysUsersInWords({ end: { event_type: "buy" }, step: -1, name: "cart" }), "did cart, 1 step before buy");
});

test("a diagram has a column for each step, the largest node above, and bands that fill their nodes", () => {
  const { width, columns, nodes, edges } = sankeyOf({ nodes: NODES, edges: EDGES }, 900, 100);
  assert.deepEqual([width, columns.map(({ x }) => x)], [900, [0, 300, 600]]);
  assert.equal(nodes[0]?.height, 300);
  assert.deepEqual([nodes[2]?.y, (nodes[1]?.y ?? 0) > (nodes[2]?.y ?? 0)], [HEAD, true]);
  // 36 of 60 leave at the top of the first node, and arrive at the top of theirs.
  assert.equal(edges[1]?.d, `M${NODE},28C156,28 156,28 300,28V208C156,208 156,208 ${NODE},208Z`);
  assert.match(edges[0]?.d ?? "", new RegExp(`^M${NODE},208C`));
  assert.deepEqual(sankeyOf({ nodes: [], edges: EDGES }, 300, 100).edges, []);
});

test("paths that are cut at the last step do not end there", () => {
  assert.deepEqual([3, 4, -4].map((step) => isCutAt({ step }, {})), [false, true, true]);
  assert.deepEqual([1, 2].map((step) => isCutAt({ step }, { max_steps: 3 })), [false, true]);
});
