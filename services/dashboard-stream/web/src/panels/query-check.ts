/** Has the service say what is wrong with a question, where in its text, and what may be meant. */
import { fetchAnswers, gatewayNow, NoAnswer } from "../live/analytics.ts";
import type { Question } from "../model/contracts.ts";

/** In a text, `length` characters from `character` on are wrong; `nearest` are names that may be meant. */
export interface Wrong {
  error: string;
  character?: number;
  length?: number;
  nearest?: string[];
}

/** It is asked of the last minute: wrong is wrong over any range. */
const MINUTE_MS = 60_000;

/** `null`: nothing is wrong. `field` is the one of the question that is to blame. */
export async function refusalOf(question: Question, signal: AbortSignal): Promise<(Wrong & { field: string }) | null> {
  const to = gatewayNow();
  try {
    await fetchAnswers({ questions: [question], from: to - MINUTE_MS, to, resolutions: ["1m"] }, signal);
    return null;
  } catch (error) {
    if (!(error instanceof NoAnswer) || error.status !== 422) throw error;
    const { character, length, nearest } = error.place;
    return { field: error.field.replace(/^questions\.0\./, ""), error: error.message, ...(character == null ? {} : { character, length: length ?? 1, nearest: nearest ?? [] }) };
  }
}
