import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceMapAnswer } from "../../src/model/contracts.ts";
import { conditionsOf, spent, traceChoiceOf, traceQueryOf } from "../../src/model/explorer.ts";
import { layoutOf, NODE, outlineOf } from "../../src/model/map-layout.ts";

test("an address says what is chosen, and comes back as it was", () => {
  const query = "?range=6h&service=shop&status=error&min=200&attribute=a%3Db&attribute=c%3E5&order=slowest";
  const choice = traceChoiceOf(query);
  assert.equal(traceQueryOf(choice), query);
  const asked = conditionsOf(choice, 10_000_000_000);
  assert.deepEqual(asked.getAll("attribute"), ["a=b", "c>5"]);
  assert.equal(asked.get("min_duration_ms"), "200");
  assert.equal(Number(asked.get("to")) - Number(asked.get("from")), 6 * 3_600_000);
  assert.equal(traceQueryOf(traceChoiceOf("?range=9y")), "");
  assert.equal(traceChoiceOf("?trace=nonsense").trace, "nonsense", "the answer says what an id is");
});

test("times are told in the unit that fits", () => {
  assert.deepEqual([0, 0.85, 12.4, 340, 1900, 192_000].map(spent), ["0 µs", "850 µs", "12.4 ms", "340 ms", "1.90 s", "3.2 min"]);
});

function map(edges: [string, string][]): ServiceMapAnswer {
  const ids = [...new Set(edges.flat())];
  return {
    from: 0,
    to: 1,
    as_of: 1,
    complete_to: 1,
    nodes: ids.map((id) => ({ id, kind: "service", name: id, traffic: {} })),
    edges: edges.map(([caller, callee]) => ({ caller, callee, share: 1, traffic: {} })),
  };
}

test("callers stand left of those whom they call, and every edge is drawn, those of circles too", () => {
  const { nodes, edges, width } = layoutOf(map([["a", "b"], ["b", "c"], ["c", "b"], ["b", "b"], ["a", "d"]]));
  const x = new Map(nodes.map((one) => [one.node.id, one.x]));
  assert.ok((x.get("a") ?? 0) < (x.get("b") ?? 0) && (x.get("b") ?? 0) < (x.get("c") ?? 0));
  assert.equal(x.get("b"), x.get("d"));
  assert.equal(edges.length, 5);
  assert.ok(width > Math.max(...x.values()));
  const unlinked = layoutOf(map([["z", "z"], ["y", "y"], ["a", "b"]])).nodes.filter((one) => one.x === Math.min(...nodes.map((node) => node.x)));
  assert.deepEqual(unlinked.sort((left, right) => left.y - right.y).map((one) => one.node.id), ["a", "z", "y"], "those that call nobody stand below");
  // Where all are called by somebody, the busiest comes first.
  assert.equal(layoutOf(map([["a", "b"], ["b", "a"]])).nodes.length, 2);
});

test("on a phone each node stands below one that calls it, within the width, and no label lies on another or on a node", () => {
  const calls: [string, string][] = [["user", "web"], ["web", "api"], ["api", "db"], ["api", "model"], ["web", "model"], ["model", "api"], ["api", "api"], ["z", "z"]];
  const deep = Array.from({ length: 9 }, (_, i): [string, string] => [`s${i}`, `s${i + 1}`]);
  for (const given of [calls, deep, [["a", "b"], ["b", "a"]] as [string, string][]]) {
    const { nodes, edges, width, height } = outlineOf(map(given));
    const y = new Map(nodes.map((one) => [one.node.id, one.y]));
    assert.equal(nodes.length, new Set(given.flat()).size);
    assert.equal(edges.length, given.length);
    assert.ok(width <= 312, `${width}`);
    for (const [i, { x, y: top }] of nodes.entries()) {
      assert.ok(x >= 0 && x + NODE.width <= width && top + NODE.height <= height);
      assert.ok(i === 0 || top >= (nodes[i - 1]?.y ?? 0) + NODE.height, "in order, none on another");
    }
    for (const one of edges) {
      const callee = y.get(one.edge.callee) ?? 0;
      assert.ok(one.y < callee && nodes.every((node) => one.y <= node.y || one.y >= node.y + NODE.height), "a label stands above its callee, on no node");
      assert.ok(edges.every((other) => other === one || Math.abs(other.y - one.y) >= 15), "one label a line");
    }
  }
  const { nodes } = outlineOf(map(calls));
  assert.deepEqual(nodes.map((one) => one.node.id), ["user", "web", "api", "db", "model", "z"], "callees follow their caller, what nobody else calls is last");
});

test("labels of edges that cross do not lie on each other", () => {
  const { edges } = layoutOf(map([["a", "c"], ["a", "d"], ["b", "c"], ["b", "d"]]));
  for (const one of edges) {
    for (const other of edges) {
      if (one !== other) assert.ok(Math.abs(one.x - other.x) >= 40 || Math.abs(one.y - other.y) >= 12, `${one.x},${one.y} and ${other.x},${other.y}`);
    }
  }
});
