/** Asks the gateway for metrics and what was measured, and the service for what models say: below the page's own address. */
import type { InsightEvent } from "../model/board.ts";
import type { QueryAnswer } from "../model/contracts.ts";
import type { Metrics } from "../model/metrics.ts";

const METRICS = "/api/dashboard/analytics/metrics";
const QUERY = "/api/dashboard/analytics/query";
const INSIGHTS = "/api/dashboard/insights";
/** Longer than the gateway waits for analytics: its own sentence is better than ours. */
const TIMEOUT_MS = 20_000;

export interface Question {
  metric: string;
  field: string;
  split: string;
  from: number;
  to: number;
  /** The finest first; the next one where the answer would be too large. */
  resolutions: string[];
}

export interface Insights {
  ts: number;
  insights: InsightEvent[];
}

/** How far the gateway's clock is ahead of ours: a machine whose clock is wrong shows the same time as all others. */
let aheadMs = 0;
/** The header counts seconds, and answers take a moment. */
const EXACT_MS = 3_000;

/** The gateway's time, as far as it is known. */
export function gatewayNow(): number {
  return Date.now() + aheadMs;
}

/** An answer that was none. `status` 0: nobody answered. `field`: the parameter that is to blame. */
export class NoAnswer extends Error {
  readonly status: number;
  readonly field: string;

  constructor(why: string, status: number, field = "") {
    super(why);
    this.status = status;
    this.field = field;
  }
}

export function fetchMetrics(signal: AbortSignal): Promise<Metrics> {
  return get<Metrics>(METRICS, signal);
}

export function fetchInsights(token: string, signal: AbortSignal): Promise<Insights> {
  return get<Insights>(`${INSIGHTS}/${encodeURIComponent(token)}`, signal);
}

export async function fetchAnswer(question: Question, signal: AbortSignal): Promise<QueryAnswer> {
  for (const resolution of question.resolutions) {
    try {
      return await get<QueryAnswer>(`${QUERY}?${parameters(question, resolution)}`, signal);
    } catch (error) {
      const coarser = error instanceof NoAnswer && error.status === 422 && error.field === "resolution";
      if (!coarser || resolution === question.resolutions.at(-1)) throw error;
    }
  }
  throw new NoAnswer("no resolution was asked for", 0);
}

function parameters(question: Question, resolution: string): URLSearchParams {
  const { metric, field, split, from, to } = question;
  const asked = new URLSearchParams({ metric, aggregate: field, from: String(Math.round(from)), to: String(Math.round(to)), resolution });
  if (split) asked.set("group_by", split);
  return asked;
}

async function get<T>(url: string, signal: AbortSignal): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(url, { cache: "no-store", signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new NoAnswer("The gateway is not responding.", 0);
  }
  const difference = Date.parse(answer.headers.get("date") ?? "") - Date.now();
  if (Number.isFinite(difference)) aheadMs = Math.abs(difference) > EXACT_MS ? difference : 0;
  if (answer.ok) return (await answer.json()) as T;
  const said = (await answer.json().catch(() => ({}))) as { error?: string; field?: string };
  throw new NoAnswer(said.error ?? `The gateway answered ${answer.status}.`, answer.status, said.field);
}
