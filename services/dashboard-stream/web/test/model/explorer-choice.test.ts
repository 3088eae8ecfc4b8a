import assert from "node:assert/strict";
import { test } from "node:test";
import { askedOf, causeLink, choiceOf, ERROR_FIELDS, linkTo, LOG_FIELDS, percent, queryOf, sameWindow, tracesAround, trendInWords } from "../../src/model/explorer-choice.ts";
import { traceChoiceOf, traceQueryOf, conditionsOf } from "../../src/model/explorer.ts";
import { boundsOf, everyMs, rangeInWords, TRACE_RANGES, windowOf } from "../../src/model/time-range.ts";

const NOW = 1_790_000_000_000;

test("an address says what is chosen, and comes back as it was", () => {
  const query = "?range=6h&service=shop&status=open&text=cold";
  const choice = choiceOf(query, ERROR_FIELDS);
  assert.equal(queryOf(choice, ERROR_FIELDS), query);
  assert.equal(queryOf(choiceOf("", LOG_FIELDS), LOG_FIELDS), "");
  const asked = askedOf(choice, ["service", "text"], NOW);
  assert.equal(asked.toString(), `from=${NOW - 6 * 3_600_000}&to=${NOW}&service=shop&text=cold`);
});

test("an address opens an error by either name, and goes on with one", () => {
  const choice = choiceOf("?fingerprint=0a1b", ERROR_FIELDS);
  assert.equal(choice.error, "0a1b");
  assert.equal(queryOf(choice, ERROR_FIELDS), "?error=0a1b");
});

test("a window from one instant to another goes along to every page, and stands still", () => {
  const choice = choiceOf(`?from=${NOW - 1000}&to=${NOW}&service=shop`, LOG_FIELDS);
  assert.deepEqual(boundsOf(choice, NOW + 50_000), { from: NOW - 1000, to: NOW });
  assert.deepEqual(sameWindow(choice), { from: String(NOW - 1000), to: String(NOW) });
  assert.deepEqual(sameWindow(choiceOf("", LOG_FIELDS)), { range: "1h" }, "other pages begin with another one");
  assert.equal(everyMs(choice), 60_000);
  assert.match(rangeInWords(choice, NOW), /^from .* to /);
  const traces = traceChoiceOf(`?from=${NOW - 1000}&to=${NOW}`);
  assert.equal(conditionsOf(traces, NOW + 9).get("to"), String(NOW));
  assert.equal(traceQueryOf(traces), `?from=${NOW - 1000}&to=${NOW}`);
});

test("a window that is none is the last hour", () => {
  for (const query of ["from=5&to=4", "from=x&to=y", "from=1", "to=7", "from=-5&to=1", "from=1e400&to=2e400"]) {
    const { from, range } = windowOf(new URLSearchParams(query), TRACE_RANGES[1]!);
    assert.equal(from, 0, query);
    assert.equal(range.name, "1h");
    assert.equal(rangeInWords({ range, from: 0, to: 0 }, NOW), "in the last 1 h");
  }
});

test("a trouble is looked at from before it was noticed, and not into the future", () => {
  const of = (since: number, until: number, now: number) => new URLSearchParams(causeLink(since, until, now).split("?")[1]);
  assert.deepEqual([...of(NOW, NOW + 60_000, NOW + 3_600_000).values()].map(Number), [NOW - 120_000, NOW + 180_000]);
  assert.equal(Number(of(NOW, NOW + 86_400_000, NOW + 86_400_000).get("to")), NOW + 360_000, "its first minutes say most");
  assert.equal(Number(of(NOW, NOW, NOW + 5_000).get("to")), NOW + 5_000);
  assert.equal(linkTo("/a", { b: "", c: undefined, d: 0 }), "/a");
});

test("traces of a trouble begin with the slow or the failed ones, where it is about these", () => {
  const of = (about: Parameters<typeof tracesAround>[2]) => Object.fromEntries(new URLSearchParams(tracesAround(NOW, NOW, about).split("?")[1]));
  const window = { from: String(NOW - 120_000), to: String(NOW + 180_000) };
  assert.deepEqual(of({ service: "shop", field: "p95", unit: "ms" }), { service: "shop", order: "slowest", ...window });
  assert.deepEqual(of({ field: "error_rate", unit: "share" }), { status: "error", ...window });
  assert.deepEqual(of({ field: "rate", unit: "{request}/s" }), window);
  assert.deepEqual(of({}), window);
});

test("shares and trends are told in words", () => {
  assert.deepEqual([0, 0.0004, 0.041, 0.62, 1].map(percent), ["0 %", "< 0.1 %", "4.1 %", "62 %", "100 %"]);
  assert.deepEqual([null, 0.004, 0.5, -0.25, 11].map(trendInWords), ["new", "same", "+50 %", "−25 %", "12 ×"]);
});
