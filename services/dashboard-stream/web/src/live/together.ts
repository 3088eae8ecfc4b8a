/** Questions of several panels over one range go in one request: those that come within a moment, at most {@link MOST} together. */
import type { AnswerSet, Question, QuestionAnswer } from "../model/contracts.ts";
import { fetchAnswers, NoAnswer, type Questions } from "./analytics.ts";

/** As many are answered at once. */
export const MOST = 16;
/** Panels that come into sight together ask within it. */
const MOMENT_MS = 40;

/** The answer to one question, with what holds for all that were asked with it. */
export interface Answer extends Omit<AnswerSet, "answers"> {
  answer: QuestionAnswer;
}

export interface OneQuestion {
  question: Question;
  from: number;
  to: number;
  /** The finest first; the next one where the answer would be too large. */
  resolutions: readonly string[];
  /** In which days and weeks begin. */
  tz: string;
}

interface Waiting {
  question: Question;
  signal: AbortSignal;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

type Fetch = (questions: Questions, signal: AbortSignal) => Promise<AnswerSet>;

/** Asks as {@link askTogether}, by `fetch` and after `wait`. */
export function together(fetch: Fetch, wait: (run: () => void) => void): (one: OneQuestion, signal: AbortSignal) => Promise<Answer> {
  const sets = new Map<string, Waiting[]>();
  return ({ question, from, to, resolutions, tz }, signal) =>
    new Promise((resolve, reject) => {
      const range = { from, to, resolutions: [...resolutions], tz };
      const key = JSON.stringify(range);
      const send = () => {
        const waiting = sets.get(key) ?? [];
        sets.delete(key);
        if (waiting.length) void answered(waiting, range, fetch);
      };
      let set = sets.get(key);
      if (!set) {
        sets.set(key, (set = []));
        wait(send);
      }
      set.push({ question, signal, resolve, reject });
      if (set.length === MOST) send();
    });
}

/** The answer to a question; raises {@link NoAnswer}, of its own and of no other question that was asked with it. */
export const askTogether = together(fetchAnswers, (run) => setTimeout(run, MOMENT_MS));

async function answered(all: Waiting[], range: Omit<Questions, "questions">, fetch: Fetch): Promise<void> {
  const waiting = all.filter(({ signal }) => !signal.aborted);
  if (!waiting.length) return;
  // Who left does not keep the others from their answers.
  const left = new AbortController();
  const goes = () => {
    if (waiting.every(({ signal }) => signal.aborted)) left.abort();
  };
  for (const { signal } of waiting) signal.addEventListener("abort", goes);
  try {
    const { answers, ...rest } = await fetch({ ...range, questions: waiting.map(({ question }) => question) }, left.signal);
    waiting.forEach(({ resolve }, i) => resolve({ ...rest, answer: answers[i] as QuestionAnswer }));
  } catch (error) {
    const parts = waiting.length > 1 && error instanceof NoAnswer ? partsOf(waiting, error) : [];
    if (!parts.length) for (const { reject } of waiting) reject(error);
    // One after the other: analytics computes only so many questions of a tenant at one time.
    for (const part of parts) await answered(part, range, fetch);
  } finally {
    for (const { signal } of waiting) signal.removeEventListener("abort", goes);
  }
}

const REFUSED = 422;
const TOOK_TOO_LONG = 504;
const PLACE = /^questions\.(\d+)\b/;

/** Who is asked for again, in which sets: one question is to blame, or all of them together are too much. */
function partsOf(waiting: Waiting[], { status, field }: NoAnswer): Waiting[][] {
  if (status !== REFUSED && status !== TOOK_TOO_LONG) return [];
  const place = Number(PLACE.exec(field)?.[1] ?? -1);
  const blamed = waiting[place];
  if (blamed) return [[blamed], waiting.filter((one) => one !== blamed)];
  const half = Math.ceil(waiting.length / 2);
  return [waiting.slice(0, half), waiting.slice(half)];
}
