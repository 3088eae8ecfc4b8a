import assert from "node:assert/strict";
import { test } from "node:test";
import { type Language, completionAt, metricsIn, nameText } from "../../src/builder/completion.ts";
import { askedFromTheStart, expressionFromTheStart, masked } from "../../src/builder/expression-variables.ts";
import type { Metric } from "../../src/model/metrics.ts";

const metric = (name: string, kind: Metric["kind"], fields: string[], dimensions: string[]) =>
  ({ name, token: name, kind, unit: "1", dimensions, description: "", fields: Object.fromEntries(fields.map((one) => [one, "1"])) }) as unknown as Metric;
const METRICS = [metric("requests", "counter", ["count", "rate", "errors"], ["service", "status"]), metric("request_duration_ms", "distribution", ["count", "p95"], ["service"]), metric("page-view", "counter", ["count"], [])];
const EXPRESSION: Language = { kind: "expression" };

/** What is offered at the `|` of the text. */
function offered(text: string, language = EXPRESSION) {
  const caret = text.indexOf("|");
  const found = completionAt(text.replace("|", ""), caret, language, METRICS, ["service"]);
  return found && { texts: found.options.map((one) => one.text), part: text.replace("|", "").slice(found.from, found.to), of: found.of };
}

test("what can stand at a place is offered there, and nothing where none can", () => {
  assert.deepEqual(offered("|")?.texts, ["count(", "rate(", "errors(", "p95("]);
  assert.deepEqual(offered("100 * er|")?.texts, ["errors("]);
  assert.deepEqual(offered("p95(|")?.texts, ["request_duration_ms"]);
  assert.deepEqual(offered("p99.9(|")?.texts, ["request_duration_ms"]);
  assert.deepEqual(offered("count(|")?.texts, ["requests", "request_duration_ms", '"page-view"']);
  assert.deepEqual(offered("count(que|sts) / 2"), { texts: ["requests", "request_duration_ms"], part: "quests", of: null });
  assert.deepEqual(offered("count(requests |")?.texts, ["where", ")"]);
  assert.deepEqual(offered("count(requests where |")?.texts, ["service", "status", "not"]);
  assert.deepEqual(offered("count(requests where not (st|")?.texts, ["status"]);
  assert.deepEqual(offered("count(requests where status |")?.texts, ["=", "!=", "in (", "prefix", "exists"]);
  assert.deepEqual(offered("count(requests where status = |"), { texts: ["$service"], part: "", of: { metric: "requests", label: "status" } });
  assert.deepEqual(offered('count(requests where status in ("200", |')?.of, { metric: "requests", label: "status" });
  assert.deepEqual(offered('count(requests where status = "20|')?.of, { metric: "requests", label: "status" });
  assert.deepEqual(offered('count(requests where status = "200" |')?.texts, ["and", "or"]);
  assert.deepEqual(offered('count(requests where (status = "200") and |')?.texts, ["service", "status", "not"]);
  assert.deepEqual(offered("count(requests where status exists) / ra|")?.texts, ["rate("]);
  assert.deepEqual(offered("st|", { kind: "condition", metric: "requests" })?.texts, ["status"]);
  for (const none of ["count(requests) |", "count |", "count(requests) ra|", '"ope|', "count(gone where gone foo |"]) assert.equal(offered(none), null, none);
});

test("names are quoted where they must be, and found again", () => {
  assert.deepEqual([nameText("a.b@2"), nameText("page-view"), nameText("not"), nameText('a"b')], ["a.b@2", '"page-view"', '"not"', '"a\\"b"']);
  assert.deepEqual(metricsIn('100 * count("page-view") / p95(requests where a = "count(request_duration_ms)") + 3', METRICS).map((one) => one.name), ["page-view", "requests"]);
});

const VARIABLES = [
  { name: "service", metric: "requests", dimension: "service", default: ["a", 'b"c'], several: true },
  { name: "model", metric: "requests", dimension: "status" },
];

test("a preview has what variables are from the start, as the service would put it in", () => {
  const from = (text: string) => expressionFromTheStart(text, VARIABLES);
  assert.equal(from("count(a where service = $service)"), 'count(a where service in ("a", "b\\"c"))');
  assert.equal(from("count(a where service != $service and x = '$service')"), "count(a where not service in (\"a\", \"b\\\"c\") and x = '$service')");
  assert.equal(from('count(a where s in ($service, "z") or model = $model)'), 'count(a where s in ("a", "b\\"c", "z") or model prefix "")');
  assert.equal(masked('a = $model and b = "$model"'), 'a = "vvvv" and b = "$model"');
  const traces = askedFromTheStart({ kind: "traces", title: "t", service: "$model", operation: "GET $service", text: "$$5" }, VARIABLES);
  assert.deepEqual(traces, { kind: "traces", title: "t", service: "", services: [], operation: "", operations: ["GET a", 'GET b"c'], text: "", texts: ["$5"], attributes: [] });
  const attributes = ["k=$service", "k!=$service", "k=$model"];
  assert.deepEqual(askedFromTheStart({ kind: "traces", title: "t", attributes }, VARIABLES), { ...traces, operations: [], texts: [], attributes: ['["k=a","k=b\\"c"]', '["k!=a"]', '["k!=b\\"c"]'] });
});

test("where nothing is chosen, a comparison holds for all values and an exclusion excludes none", () => {
  const from = (text: string) => expressionFromTheStart(text, VARIABLES);
  const all = 'm prefix ""';
  for (const text of ["m = $model", "m != $model", "not m in ($model)", "not m = $model", "not (m in ($model))", "not not ( (m = $model) )", "not m != $model"]) assert.equal(from(text), all, text);
  assert.equal(from('not m in ("x", $model)'), 'not m in ("x")');
  assert.equal(from('m in ("x", $model)'), all);
  assert.equal(from("not (m in ($model) and s = 'y')"), `not (${all} and s = 'y')`);
  assert.equal(from("a = 'not' and m = $model"), `a = 'not' and ${all}`);
});
