import assert from "node:assert/strict";
import { test } from "node:test";
import { NoAnswer, type Questions } from "../../src/live/analytics.ts";
import { together } from "../../src/live/together.ts";
import type { AnswerSet } from "../../src/model/contracts.ts";

const RANGE = { from: 0, to: 60_000, resolutions: ["1s"], tz: "UTC" };
const of = (metric: string) => ({ question: { metric, aggregate: "rate" }, ...RANGE });
const answersTo = ({ questions }: Questions): AnswerSet => ({
  from: 0,
  to: 60_000,
  resolution: "1s",
  source: "rollup_1s",
  as_of: 1,
  answers: questions.map(({ metric = "" }) => ({ metric, unit: "1", series: [] })),
});

/** What was asked, in which sets; `wrong` are refused, as are more than `most` at once. */
function asking({ wrong = [], most = 16, status = 422 }: { wrong?: string[]; most?: number; status?: number } = {}) {
  const sets: string[][] = [];
  const run: (() => void)[] = [];
  const ask = together(
    async (asked, signal) => {
      const names = asked.questions.map(({ metric = "" }) => metric);
      sets.push(names);
      signal.throwIfAborted();
      const place = names.findIndex((name) => wrong.includes(name));
      if (place >= 0) throw new NoAnswer(`there is no ${names[place]}`, status, status === 422 ? `questions.${place}.metric` : "");
      if (names.length > most) throw new NoAnswer("too many points", 422, "resolution");
      return answersTo(asked);
    },
    (send) => run.push(send),
  );
  return { ask, sets, send: () => run.splice(0).forEach((one) => one()) };
}

const never = new AbortController().signal;

test("questions over one range go together, sixteen at most, and others by themselves", async () => {
  const { ask, sets, send } = asking();
  const names = Array.from({ length: 18 }, (_, i) => `m${i}`);
  const asked = [...names.map((name) => ask(of(name), never)), ask({ ...of("other"), to: 120_000 }, never)];
  send();
  assert.deepEqual((await Promise.all(asked)).map(({ answer }) => answer.metric), [...names, "other"]);
  assert.deepEqual(sets, [names.slice(0, 16), names.slice(16), ["other"]]);
});

test("who asks wrongly is told so alone, and the others are answered", async () => {
  const { ask, sets, send } = asking({ wrong: ["b", "d"] });
  const asked = ["a", "b", "c", "d"].map((name) => ask(of(name), never));
  send();
  const said = (await Promise.allSettled(asked)).map((one) => (one.status === "fulfilled" ? one.value.answer.metric : (one.reason as Error).message));
  assert.deepEqual(said, ["a", "there is no b", "c", "there is no d"]);
  assert.deepEqual(sets, [["a", "b", "c", "d"], ["b"], ["a", "c", "d"], ["d"], ["a", "c"]]);
});

test("what is too much together is asked in parts, and what takes too long as well", async () => {
  const { ask, sets, send } = asking({ most: 2 });
  const asked = ["a", "b", "c"].map((name) => ask(of(name), never));
  send();
  assert.equal((await Promise.all(asked)).length, 3);
  assert.deepEqual(sets, [["a", "b", "c"], ["a", "b"], ["c"]]);
  const slow = asking({ wrong: ["b"], status: 504 });
  const waited = ["a", "b"].map((name) => slow.ask(of(name), never));
  slow.send();
  assert.deepEqual((await Promise.allSettled(waited)).map(({ status }) => status), ["fulfilled", "rejected"]);
});

test("a failure that no question is to blame for is everybody's, and asked once", async () => {
  const { ask, sets, send } = asking({ wrong: ["a"], status: 503 });
  const asked = ["a", "b"].map((name) => ask(of(name), never));
  send();
  assert.deepEqual((await Promise.allSettled(asked)).map(({ status }) => status), ["rejected", "rejected"]);
  assert.equal(sets.length, 1);
});

test("who left is not asked for", async () => {
  const { ask, sets, send } = asking();
  const leaves = new AbortController();
  void ask(of("gone"), leaves.signal);
  const stays = ask(of("stays"), never);
  leaves.abort();
  send();
  assert.equal((await stays).answer.metric, "stays");
  assert.deepEqual(sets, [["stays"]]);
});
