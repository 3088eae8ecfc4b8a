/** Sessions as people ask for them, and what their numbers are called. Pure. */
import type { SessionPeriod, SessionsAnswer, SessionsQuery } from "./contracts.ts";
import { areComplete, conditionsOf, countOf, filled, oneOf, text, texts } from "./event-choice.ts";
import { percent } from "./explorer-choice.ts";
import { counted, decimal, duration, NONE } from "./format.ts";
import { type Body, usersLink } from "./product.ts";

/** The question without tenant and range; fields that are not known here are kept. */
export type SessionsQuestion = Omit<SessionsQuery, "tenant" | "from" | "to" | "sample">;

export const INTERVALS = ["day", "week", "month"] as const;
export type Interval = (typeof INTERVALS)[number];

export const GAP_S = 1_800;
export const LIMIT = 10;

/** What an address says, as a question. */
export function sessionsOf(body: Body | null): SessionsQuestion {
  const { event_types, where, gap_s, midnight, campaign, tz, interval, breakdown, page, limit, ...rest } = body ?? {};
  return {
    ...rest,
    interval: oneOf(INTERVALS, interval) ?? "day",
    ...filled({
      event_types: texts(event_types),
      where: conditionsOf(where),
      gap_s: countOf(gap_s),
      midnight: midnight === true,
      campaign: campaign === true,
      tz: text(tz),
      breakdown: text(breakdown),
      page: text(page),
      limit: countOf(limit),
    }),
  };
}

/** The question as it is sent: without what is empty or as from the start. `null`: a condition is not complete. */
export function completeSessions(question: SessionsQuestion): SessionsQuestion | null {
  const { where, gap_s, tz, limit, ...rest } = question;
  if (!areComplete(where)) return null;
  return sessionsOf({ ...rest, where, gap_s: gap_s === GAP_S ? undefined : gap_s, tz: tz === "UTC" ? "" : tz, limit: limit === LIMIT ? undefined : limit });
}

/** Of whose sessions a number is: of all, where nothing is said. A value is null where no event has one. */
export interface Chosen {
  value?: string | null;
  entry?: string;
  exit?: string;
  bounced?: boolean;
  period?: Pick<SessionPeriod, "start" | "end">;
}

/** The users of some of the sessions in `answer`; of a period those that began in it and in the range. */
export function sessionsUsersLink(question: SessionsQuestion, answer: Pick<SessionsAnswer, "from" | "to">, { value, entry, exit, bounced, period }: Chosen = {}): string {
  const { interval: _, limit: _limit, ...asked } = question;
  const from = Math.max(answer.from, period?.start ?? 0);
  const to = Math.min(answer.to, period?.end ?? answer.to);
  const said = { ...(entry === undefined ? {} : { entry }), ...(exit === undefined ? {} : { exit }), ...(bounced === undefined ? {} : { bounced }) };
  return usersLink({ of: "sessions/users", question: { ...asked, from, to, ...said, ...(value === undefined ? {} : value === null ? { without_value: true } : { value }) } });
}

/** `had a session of one event that began with /tea` */
export function sessionsUsersInWords(body: Body): string {
  const { breakdown = "" } = sessionsOf(body);
  const [entry, exit] = [body["entry"], body["exit"]].map((one) => (typeof one === "string" ? one : null));
  const value = body["without_value"] === true ? "unknown" : typeof body["value"] === "string" ? body["value"] : null;
  const kind = body["bounced"] === true ? "a session of one event" : body["bounced"] === false ? "a session of several events" : "a session";
  const ends = [entry !== null && `began with ${entry}`, exit !== null && `ended with ${exit}`].filter(Boolean).join(" and ");
  return `had ${kind}${ends ? ` that ${ends}` : ""}${value === null ? "" : `, of ${breakdown} ${value}`}`;
}

/** What ends a session, in a sentence. */
export function ruleInWords({ gap_s = GAP_S, midnight = false, campaign = false, tz = "UTC" }: SessionsQuestion): string {
  const ends = [`after ${duration(gap_s * 1_000)} without an event`, midnight ? `at midnight (${tz})` : "", campaign ? "with another campaign" : ""].filter(Boolean);
  return `A session ends ${ends.join(" or ")}.`;
}

/** `120 sessions of 36 users` */
export function resultInWords({ sessions, users }: Pick<SessionsAnswer, "sessions" | "users">): string {
  return `${counted(sessions, "session")} of ${counted(users, "user")}`;
}

export function excludedInWords(count: number | undefined): string {
  return count ? `${counted(count, "person", "people")} left out by rule.` : "";
}

export function rate(share: number | null | undefined): string {
  return typeof share === "number" ? percent(share) : NONE;
}

export function depth(events: number | null | undefined): string {
  return typeof events === "number" ? decimal(events, 0, 1) : NONE;
}
