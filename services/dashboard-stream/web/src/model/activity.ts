/** How many users are active as people ask for it, and where its bars are drawn. Pure. */
import type { ActivityAnswer, ActivityDay, ActivityPeriod, ActivityQuery } from "./contracts.ts";
import { areComplete, conditionsOf, filled, oneOf, selectionInWords, text, texts } from "./event-choice.ts";
import { type Body, usersLink } from "./product.ts";
import { INTERVALS, type Interval, periodInWords } from "./retention.ts";

/** The question without tenant and range; fields that are not known here are kept. */
export type ActivityQuestion = Omit<ActivityQuery, "tenant" | "from" | "to" | "sample">;

export const FIRST_INTERVAL: Interval = "day";

/** Parts of those who are active, from below; who stays away stands under the line. */
export const STATES = ["returning", "new", "resurrected", "dormant"] as const;
export type State = (typeof STATES)[number] | "active";

export const WORDS: Readonly<Record<State, string>> = { active: "active", new: "new", returning: "returning", resurrected: "resurrected", dormant: "dormant" };

/** What an address or a document says, as a question. */
export function activityOf(body: Body | null): ActivityQuestion {
  const { interval, tz, event_types, where, breakdown, ...rest } = body ?? {};
  return { ...rest, ...filled({ interval: oneOf(INTERVALS, interval), tz: text(tz), event_types: texts(event_types), where: conditionsOf(where), breakdown: text(breakdown) }) };
}

/** The question as it is sent: without what is empty or as from the start. `null`: a condition is not complete. */
export function completeActivity(question: ActivityQuestion): ActivityQuestion | null {
  const { where, interval, tz, ...rest } = question;
  if (!areComplete(where)) return null;
  return activityOf({ ...rest, where, interval: interval === FIRST_INTERVAL ? "" : interval, tz: tz === "UTC" ? "" : tz });
}

/** Whom a number is about. `value` of the break-down where it is of one group. */
export interface Chosen {
  period: number;
  state: State;
  value?: string | null;
}

/** The users behind a number of `answer`, over its very range; empty where there is no condition that chooses them. */
export function activityUsersLink(question: ActivityQuestion, answer: Pick<ActivityAnswer, "from" | "to">, { period, state, value }: Chosen): string {
  if (value === null) return "";
  const { limit: _, breakdown, where = [], ...asked } = question;
  // A value of the break-down is counted as if it were a condition.
  const conditions = value === undefined || !breakdown ? where : [...where, { property: breakdown, op: "=" as const, value }];
  const { from, to } = answer;
  return usersLink({ of: "activity/users", question: { ...asked, ...filled({ where: conditions }), from, to, period_from: period, state } });
}

/** `were dormant in the week of 12 Oct, by feedback` */
export function activityUsersInWords(body: Body): string {
  const { interval = FIRST_INTERVAL, tz, event_types = [], where = [] } = activityOf(body);
  const period = periodInWords(Number(body["period_from"]) || 0, interval, tz);
  const when = `${interval === "week" ? "in the week of" : interval === "day" ? "on" : "in"} ${period}`;
  const events = selectionInWords({ event_types, where });
  return `were ${text(body["state"]) || "active"} ${when}${events ? `, by ${events}` : ""}`;
}

export interface Bar {
  period: ActivityPeriod;
  x: number;
  width: number;
  parts: { state: (typeof STATES)[number]; users: number; y: number; height: number }[];
}

export interface Bars {
  width: number;
  height: number;
  /** Where nobody is: what is above is active, what is below is not any more. */
  line: number;
  /** Users at the top, and at the bottom. */
  most: number;
  away: number;
  bars: Bar[];
  /** Each how manyth period has room for its name. */
  every: number;
}

const TALL = 220;
const LEAST = 6;
const WIDEST = 64;
/** Room for the name of a period. */
export const LABEL = 64;

/** `room`: the width that there is. */
export function barsOf(periods: readonly ActivityPeriod[], room: number): Bars {
  const step = Math.max(LEAST, Math.min(WIDEST, Math.floor(room / Math.max(1, periods.length))));
  const most = Math.max(0, ...periods.map(({ active }) => active));
  const away = Math.max(0, ...periods.map(({ dormant }) => dormant));
  const scale = TALL / Math.max(1, most + away);
  const line = Math.round(most * scale);
  const bars = periods.map((period, place): Bar => {
    let y = line;
    const parts = STATES.map((state) => {
      const users = period[state];
      const height = users * scale;
      if (state === "dormant") return { state, users, y: line + 1, height };
      y -= height;
      return { state, users, y, height };
    });
    return { period, x: place * step, width: Math.max(2, step - 3), parts };
  });
  return { width: step * periods.length, height: Math.ceil(line + 1 + away * scale), line, most, away, bars, every: Math.max(1, Math.ceil(LABEL / step)) };
}

/** The newest day that is over, else the newest one. */
export function latestDay({ days }: Pick<ActivityAnswer, "days">): ActivityDay | null {
  return days.findLast(({ complete }) => complete) ?? days.at(-1) ?? null;
}
