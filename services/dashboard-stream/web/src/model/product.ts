/** What the pages about users show, as their addresses say it: a range of time and the whole question. Pure. */
import { linkTo } from "./explorer-choice.ts";
import { spent } from "./explorer.ts";
import { decimal } from "./format.ts";
import { boundsOf, sayWindow, type TimeWindow, USER_RANGES, windowOf } from "./time-range.ts";
import type { Range } from "./metric-choice.ts";

export const ACTIVITY_PATH = "/api/dashboard/activity";
export const COHORTS_PATH = "/api/dashboard/cohorts";
export const ENGAGEMENT_PATH = "/api/dashboard/engagement";
export const EXPERIENCE_PATH = "/api/dashboard/experience";
export const FUNNELS_PATH = "/api/dashboard/funnels";
export const JOURNEYS_PATH = "/api/dashboard/journeys";
export const RETENTION_PATH = "/api/dashboard/retention";
export const SESSIONS_PATH = "/api/dashboard/sessions";
export const USERS_PATH = "/api/dashboard/users";

/** A question as the gateway takes it, without the range of time. */
export type Body = Record<string, unknown>;

export interface QuestionChoice extends TimeWindow {
  /** `null`: nothing is asked yet. */
  question: Body | null;
}

const FIRST_RANGE = USER_RANGES.find((one) => one.name === "30d") as Range;

export function questionChoiceOf(query: string): QuestionChoice {
  const given = new URLSearchParams(query);
  return { ...windowOf(given, FIRST_RANGE, USER_RANGES), question: bodyOf(given.get("question")) };
}

/** The query of the address that shows `choice`, with its `?`; empty where nothing is chosen. */
export function questionQueryOf(choice: QuestionChoice): string {
  const said = new URLSearchParams();
  sayWindow(said, choice, FIRST_RANGE);
  if (choice.question) said.set("question", JSON.stringify(choice.question));
  const text = said.toString();
  return text && `?${text}`;
}

/** The page at `path` below that of dashboards, with this question over this very range. */
export function questionLink(page: "funnels" | "journeys" | "retention", question: Body, range: { from: number; to: number }): string {
  return `/api/dashboard/${page}${questionQueryOf({ range: FIRST_RANGE, ...range, question })}`;
}

/** The question of `choice` over its range, as it is sent. */
export function sentOf(question: Body, window: TimeWindow, now: number): Body {
  return { ...question, ...boundsOf(window, now) };
}

/** The question of a panel: what it says besides what all panels have. */
export function questionOfPanel<P extends { kind: string; title: string; id?: unknown; description?: unknown; layout?: unknown }>(panel: P): Omit<P, "kind" | "id" | "title" | "description" | "layout"> {
  const { kind: _k, id: _i, title: _t, description: _d, layout: _l, ...question } = panel;
  return question;
}

/** The same panel with another question; fields of the one before that the new one has not are gone. */
export function withQuestion<P extends Parameters<typeof questionOfPanel>[0]>(panel: P, question: object): P {
  const { kind, id, title, description, layout } = panel;
  const about = Object.fromEntries(Object.entries({ kind, id, title, description, layout }).filter(([, value]) => value !== undefined));
  return { ...about, ...question } as P;
}

/** What an address or a document holds as JSON, where that is an object. */
export function bodyOf(text: string | null): Body | null {
  if (!text) return null;
  try {
    const found: unknown = JSON.parse(text);
    return isBody(found) ? found : null;
  } catch {
    return null;
  }
}

export function isBody(value: unknown): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `question` with `value` at the place that an answer names: `steps.1.where.0.property`. A place that is not there changes nothing. */
export function replacedAt(question: Body, field: string, value: string): Body {
  const copy = structuredClone(question);
  const names = field.split(".");
  const last = names.pop() as string;
  let at: unknown = copy;
  for (const name of names) at = isBody(at) || Array.isArray(at) ? (at as Body)[name] : undefined;
  if (isBody(at) || Array.isArray(at)) (at as Body)[last] = value;
  return copy;
}

/** Users behind a number: those whom the question `of` (its path below that of analytics) finds, its range within. */
export interface UsersChoice {
  /** What the ids of the list begin with. */
  prefix: string;
  of: string;
  question: Body | null;
}

const PATH = /^[a-z][a-z/_-]*\/users$/;

export function usersChoiceOf(query: string): UsersChoice {
  const given = new URLSearchParams(query);
  const of = given.get("of") ?? "";
  const question = bodyOf(given.get("question"));
  const found = PATH.test(of) && question ? { of, question } : { of: "", question: null };
  return { prefix: given.get("prefix") ?? "", ...found };
}

/** The page of a list of users; of those behind a number with the whole question, so that it can be sent to others. */
export function usersLink({ prefix, of, question }: Partial<UsersChoice>): string {
  return linkTo(USERS_PATH, { prefix, of, question: of && question ? JSON.stringify(question) : "" });
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** From one event of a user to another: `850 ms`, `3.2 min`, `5.0 h`, `2.5 d`. */
export function took(ms: number): string {
  if (ms < HOUR_MS) return spent(ms);
  return ms < DAY_MS ? `${decimal(ms / HOUR_MS, 1)} h` : `${decimal(ms / DAY_MS, 1)} d`;
}
