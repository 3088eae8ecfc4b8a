/** Asks the gateway for metrics and what was measured, has it store definitions, and asks the service what models say. */
import type { InsightEvent } from "../model/board.ts";
import type { AnswerSet, Question } from "../model/contracts.ts";
import type { Checked, Conflict, Definition, Fault, Session, Stored } from "../model/definition.ts";
import type { Metric, Metrics } from "../model/metrics.ts";

export const ROOT = "/api/dashboard/analytics";
const METRICS = `${ROOT}/metrics`;
const QUERY = `${ROOT}/query`;
const SESSION = `${ROOT}/session`;
const INSIGHTS = "/api/dashboard/insights";
const UNWATCHED = "/api/dashboard/unwatched";
/** Longer than the gateway waits for analytics: its own sentence is better than ours. */
const TIMEOUT_MS = 20_000;

/** Questions over one range. `resolutions`: the finest first; the next one where the answer would be too large. */
export interface Questions {
  questions: Question[];
  from: number;
  to: number;
  resolutions: string[];
  /** In which days and weeks begin; UTC without one. */
  tz?: string;
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

/** Where in an expression something is wrong, and what may be meant. */
export interface WrongPlace {
  character?: number;
  length?: number;
  nearest?: string[];
}

/** An answer that was none. `status` 0: nobody answered. `field`: the parameter that is to blame; `place`: where in it. */
export class NoAnswer extends Error {
  readonly status: number;
  readonly field: string;
  readonly place: WrongPlace;

  constructor(why: string, status: number, field = "", place: WrongPlace = {}) {
    super(why);
    this.status = status;
    this.field = field;
    this.place = place;
  }
}

export function fetchMetrics(signal: AbortSignal): Promise<Metrics> {
  return get<Metrics>(METRICS, signal);
}

/** One metric, with what it is made of. */
export function fetchMetric(name: string, signal: AbortSignal): Promise<Metric> {
  return get<Metric>(addressOf(name), signal);
}

export function fetchInsights(token: string, signal: AbortSignal): Promise<Insights> {
  return get<Insights>(`${INSIGHTS}/${encodeURIComponent(token)}`, signal);
}

/** Of each metric with series for which the models have no room, the insight that says why. */
export function fetchUnwatched(signal: AbortSignal): Promise<Insights> {
  return get<Insights>(UNWATCHED, signal);
}

export async function fetchAnswers({ questions, from, to, resolutions, tz }: Questions, signal: AbortSignal): Promise<AnswerSet> {
  for (const resolution of resolutions) {
    const asked = { questions, from: Math.round(from), to: Math.round(to), resolution, ...(tz ? { tz } : {}) };
    try {
      return await of<AnswerSet>(await send("POST", QUERY, { body: asked, signal }));
    } catch (error) {
      const coarser = error instanceof NoAnswer && error.status === 422 && error.field === "resolution";
      if (!coarser || resolution === resolutions.at(-1)) throw error;
    }
  }
  throw new NoAnswer("no resolution was asked for", 0);
}

/** The tenant whose key this page has, or had: a key of another one does not go on with it. */
let tenant = "";
/** Whether the newest answer was that the key opens nothing, and who wants to hear of that. */
let refused = false;
const refusalListeners = new Set<() => void>();

/** Calls `listener` when a request is refused for its key, once until another one is answered; the second ends that. */
export function onKeyRefused(listener: () => void): () => void {
  refusalListeners.add(listener);
  return () => refusalListeners.delete(listener);
}

export async function fetchSession(signal?: AbortSignal): Promise<Session> {
  const session = await of<Session>(await send("GET", SESSION, { signal }));
  if (session.has_key) tenant = session.tenant;
  return session;
}

/** Has the browser keep `key` in a cookie that no script can read; not where it is of another tenant than the page, but for `any` tenant. */
export async function beginSession(key: string, any = false): Promise<Session> {
  const expected: Record<string, string> = tenant && !any ? { "drishti-expected-tenant": tenant } : {};
  const session = await of<Session>(await send("POST", SESSION, { headers: { authorization: `Bearer ${key}`, ...expected } }));
  tenant = session.tenant;
  return session;
}

export async function endSession(): Promise<void> {
  await of(await send("DELETE", SESSION));
  tenant = "";
}

/** What storing `definition` would say; nothing is stored. */
export async function checkDefinition(definition: Definition, signal: AbortSignal): Promise<Checked> {
  return of<Checked>(await send("POST", `${ROOT}/check`, { body: definition, signal }));
}

/** Stores `definition` in place of `revision` (0: there is none yet). */
export async function storeDefinition(name: string, definition: Definition, revision: number): Promise<Stored> {
  const answer = await send("PUT", addressOf(name), { body: definition, headers: replaces(revision) });
  if (answer.status === 409) return { conflict: (await answer.json()) as Conflict };
  if (answer.status === 422) {
    const said = (await answer.json()) as { faults?: Fault[]; error: string; field?: string };
    return { faults: said.faults ?? [{ field: said.field ?? "", error: said.error }] };
  }
  return { metric: await of<Metric>(answer) };
}

/** Forgets the tenant's definition; what somebody else did meanwhile is the answer. */
export async function forgetDefinition(name: string, revision: number): Promise<{ conflict: Conflict } | null> {
  const answer = await send("DELETE", addressOf(name), { headers: replaces(revision) });
  if (answer.status === 409) return { conflict: (await answer.json()) as Conflict };
  await of(answer);
  return null;
}

function addressOf(name: string): string {
  return `${METRICS}/${encodeURIComponent(name)}`;
}

/** The header of a change that replaces `revision`; none where there is nothing yet. */
export function replaces(revision: number): Record<string, string> {
  return revision ? { "if-match": `"${revision}"` } : {};
}

/** What is at an address of the gateway; raises {@link NoAnswer}. */
export async function get<T>(url: string, signal: AbortSignal): Promise<T> {
  return of<T>(await send("GET", url, { signal }));
}

/** Has `body` done at an address of the gateway; raises {@link NoAnswer}. */
export async function post<T>(url: string, body: unknown): Promise<T> {
  return of<T>(await send("POST", url, { body }));
}

interface Sent {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is. */
  text?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** Sends to an address of the gateway, and returns whatever it answers; raises {@link NoAnswer} where nobody does. */
export async function send(method: string, url: string, { body, text, headers = {}, signal }: Sent = {}): Promise<Response> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const content = sent === undefined ? {} : { body: sent };
  const type: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
  let answer: Response;
  try {
    answer = await fetch(url, {
      method,
      cache: "no-store",
      headers: { ...type, ...headers },
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      ...content,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new NoAnswer("The gateway is not responding.", 0);
  }
  const keyRefused = answer.status === 401 || answer.status === 403;
  const before = refused;
  if (url !== SESSION) refused = keyRefused;
  if (url !== SESSION && keyRefused && !before) for (const listener of refusalListeners) listener();
  const difference = Date.parse(answer.headers.get("date") ?? "") - Date.now();
  if (Number.isFinite(difference)) aheadMs = Math.abs(difference) > EXACT_MS ? difference : 0;
  return answer;
}

/** What an answer holds; raises {@link NoAnswer} with its reason where it is none. */
export async function of<T>(answer: Response): Promise<T> {
  if (answer.status === 204) return undefined as T;
  if (answer.ok) return (await answer.json()) as T;
  const said = (await answer.json().catch(() => ({}))) as { error?: string; field?: string } & WrongPlace;
  throw new NoAnswer(said.error ?? `The gateway answered ${answer.status}.`, answer.status, said.field, said);
}
