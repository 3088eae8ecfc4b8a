import assert from "node:assert/strict";
import { test } from "node:test";
import { changesOf } from "../../src/model/changes.ts";
import type { AnswerSet, ErrorGroup, ServiceMapAnswer } from "../../src/model/contracts.ts";
import { incidents, together } from "../../src/model/incidents.ts";
import { apart, inOneSentence, serviceHealth } from "../../src/model/service-health.ts";
import { anomaly } from "../fixtures.ts";

const NOW = 1_000_000;

/** Of each service requests a second, the share that fails, and p95 in ms. */
function answers(services: Record<string, [number, number, number]>): AnswerSet {
  const of = (place: number) => ({ unit: "", series: Object.entries(services).map(([service, numbers]) => ({ labels: { service }, total: numbers[place] ?? null, points: [] })) });
  return { from: 0, to: 1, resolution: "1m", source: "", as_of: 1, answers: [of(0), of(1), of(2)], service_names: { shop: "Tea Shop" } } as unknown as AnswerSet;
}

/** The same of services that send spans alone. */
const MAP = { nodes: [{ id: "kitchen", kind: "service", name: "kitchen", traffic: { rate: 2, error_rate: 0.5, p95_ms: 80 } }, { id: "db", kind: "database", name: "db", traffic: { rate: 9 } }], edges: [] } as unknown as ServiceMapAnswer;
const NO_MAP = { nodes: [], edges: [] } as unknown as ServiceMapAnswer;

const judged = (now: Record<string, [number, number, number]>, day: Record<string, [number, number, number]>, open = incidents([], NOW)) => serviceHealth({ answers: answers(now), map: NO_MAP }, { answers: answers(day), map: NO_MAP }, 600, open);

test("a service is compared with its own last day, not with others", () => {
  const day = { shop: [5, 0.01, 100], slow: [5, 0.01, 4000] } as Record<string, [number, number, number]>;
  const found = judged({ shop: [5, 0.01, 900], slow: [5, 0.01, 4100] }, day);
  assert.deepEqual(found.map((one) => [one.name, one.word]), [["Tea Shop", "Degraded"], ["slow", "Healthy"]]);
  assert.match(found[0]?.why[0] ?? "", /^p95 900 ms, 100 ms in the last day$/);
  assert.equal(inOneSentence(found), "1 of 2 services is not healthy: Tea Shop.");
  assert.equal(judged({ shop: [5, 0.04, 100] }, { shop: [5, 0.01, 100] })[0]?.word, "Degraded");
  assert.equal(judged({ shop: [5, 0.012, 100] }, { shop: [5, 0.01, 100] })[0]?.word, "Healthy");
});

test("a few requests, and a first day, say nothing; what is slow for everybody is not healthy however usual it is", () => {
  assert.equal(judged({ shop: [0.01, 0.5, 900] }, { shop: [5, 0.01, 100] })[0]?.word, "Healthy");
  assert.equal(judged({ shop: [5, 0.01, 900] }, {})[0]?.word, "Healthy");
  assert.equal(judged({ shop: [5, 0, 34_000] }, { shop: [5, 0, 34_000] })[0]?.word, "Unhealthy");
});

test("an open anomaly of a service counts for it, and silence is neither good nor bad", () => {
  const open = incidents([anomaly({ at: NOW, since: NOW, labels: { service: "shop" }, severity: "critical" })], NOW);
  const found = judged({ shop: [5, 0, 10], other: [1, 0, 1] }, { gone: [5, 0, 10] }, open);
  assert.deepEqual(found.map((one) => [one.service, one.word]), [["shop", "Unhealthy"], ["gone", "Quiet"]]);
  assert.equal(inOneSentence([]), "No service has had requests in the last day.");
  assert.equal(inOneSentence(judged({ shop: [5, 0, 10] }, {})), "The service with requests is healthy.");
});

test("a service that sends spans alone is judged by the service map, and a database is none", () => {
  const found = serviceHealth({ answers: answers({ shop: [5, 0, 10] }), map: MAP }, { answers: answers({}), map: NO_MAP }, 600, []);
  assert.deepEqual(found.map((one) => [one.service, one.word, one.now.p95]), [["kitchen", "Unhealthy", 80], ["shop", "Healthy", 10]]);
});

test("what changed is said in order: deployments, new errors, incidents and their ends", () => {
  const note = { id: "n", revision: 1, at: 900_000, kind: "deployment" as const, text: "new kettle", service: "shop", version: "2.0" };
  const error = { fingerprint: "f", title: "KettleCold", first_seen_ms: 950_000 } as ErrorGroup;
  const old = { ...error, title: "Old", first_seen_ms: 1 };
  const groups = together(incidents([anomaly({ at: 990_000, since: 960_000, phase: "resolved" })], NOW));
  const found = changesOf([note], [], [error, old], groups, 500_000, NOW);
  assert.deepEqual(found.map((one) => one.kind), ["Incident resolved", "Incident", "New error", "Deployment"]);
  assert.equal(found[3]?.text, "shop 2.0: new kettle");
  const seen = { insight_id: "c", tenant: "t", kind: "change", change: "deployment", version: "2", services: ["shop"], at: NOW, message: "shop is back at version 2; before: 3", key: "c" } as never;
  const scaled = { ...(seen as object), change: "scaling", version: null, message: "" } as never;
  assert.deepEqual(changesOf([], [seen, scaled], [], [], 0, NOW).map((one) => [one.kind, one.text]), [["Deployment", "shop is back at version 2; before: 3"], ["Scaling", "shop"]]);
});

test("the services of Drishti are apart from those that are watched", () => {
  const { watched, own } = apart(judged({ shop: [5, 0, 10], gateway: [1, 0, 1], "drishti--gateway": [1, 0, 1] }, {}));
  assert.deepEqual([watched, own].map((some) => some.map((one) => one.service)), [["shop", "gateway"], ["drishti--gateway"]]);
});
