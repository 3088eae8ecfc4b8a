/** A past range comes in parts: what is answered is there before all is. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { fetchPast } from "../../src/live/past.ts";
import type { Board } from "../../src/model/board.ts";
import type { Entry } from "../../src/model/catalogue.ts";

const real = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = real;
});

const entries = Array.from(
  { length: 20 },
  (_, i): Entry => ({ name: `m${i}.rate`, metric: `m${i}`, field: "rate", unit: "1/s", labels: [], total: true, resolution: "1s" }) as Entry,
);

function answering(): { asked: number[] } {
  const asked: number[] = [];
  globalThis.fetch = (async (_: unknown, init: RequestInit) => {
    const { questions } = JSON.parse(String(init.body)) as { questions: { metric: string }[] };
    asked.push(questions.length);
    const answers = questions.map(() => ({ series: [{ labels: {}, total: 1, points: [[0, 1]] }] }));
    return new Response(JSON.stringify({ answers, resolution: "1h", service_names: {} }), { headers: { "content-type": "application/json" } });
  }) as typeof fetch;
  return { asked };
}

test("parts come in the order of the dashboard, say that they are parts, and the last answer is whole", async () => {
  const { asked } = answering();
  const parts: Board[] = [];
  const whole = await fetchPast(entries, { from: 0, to: 30 * 86_400_000 }, new AbortController().signal, (part) => parts.push(part));
  assert.deepEqual(asked, [8, 8, 4]);
  assert.equal(whole.range?.steps.size, 20);
  assert.equal(whole.range?.partial, undefined);
  assert.equal(parts[0]?.range?.partial, true);
  assert.equal(parts[0]?.range?.steps.has("m0.rate"), true);
  assert.equal(parts[0]?.range?.steps.has("m19.rate"), false);
  assert.equal(new Set([...parts, whole].map((board) => board.epoch)).size, parts.length + 1);
  assert.equal(new Set([...parts, whole].map((board) => board.range?.asked)).size, 1, "what was there in a part need not be drawn again");
});
