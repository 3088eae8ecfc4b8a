/** How engaged users are as people ask for it, and what its numbers are called. Pure. */
import type { EngagedUser, EngagementAnswer, EngagementParts, EngagementPoint, EngagementQuery } from "./contracts.ts";
import { areComplete, countOf, filled, oneOf, selectionInWords, selectionOf, text } from "./event-choice.ts";
import { dateIn, decimal, NONE } from "./format.ts";
import { type Body, isBody, usersLink } from "./product.ts";
import { INTERVALS, type Interval } from "./retention.ts";

/** The question without tenant and range; fields that are not known here are kept. */
export type EngagementQuestion = Omit<EngagementQuery, "tenant" | "from" | "to" | "sample">;

export const FIRST_INTERVAL: Interval = "day";
export const WINDOW_DAYS = 28;
export const [LOW, HIGH] = [0, 5];

/** Of what a score is made. */
export const PARTS = ["recency", "frequency", "depth", "satisfaction"] as const satisfies readonly (keyof EngagementParts & keyof EngagedUser)[];

/** What an address says, as a question. */
export function engagementOf(body: Body | null): EngagementQuestion {
  const { interval, tz, activity, satisfaction, window_days, breakdown, ...rest } = body ?? {};
  const selected = selectionOf(activity);
  return {
    ...rest,
    ...(Object.keys(selected).length ? { activity: selected } : {}),
    ...(isBody(satisfaction) ? { satisfaction: ratingsOf(satisfaction) } : {}),
    ...filled({ interval: oneOf(INTERVALS, interval), tz: text(tz), window_days: countOf(window_days), breakdown: text(breakdown) }),
  };
}

function ratingsOf({ property, low, high, ...selection }: Body): NonNullable<EngagementQuestion["satisfaction"]> {
  return { property: text(property), ...selectionOf(selection), ...(typeof low === "number" ? { low } : {}), ...(typeof high === "number" ? { high } : {}) };
}

/** The question as it is sent: without what is empty or as from the start. `null`: a condition is not complete. */
export function completeEngagement(question: EngagementQuestion): EngagementQuestion | null {
  const { activity, satisfaction, interval, tz, window_days, ...rest } = question;
  if (!areComplete(activity?.where) || !areComplete(satisfaction?.where)) return null;
  return engagementOf({
    ...rest,
    activity,
    ...(satisfaction?.property ? { satisfaction } : {}),
    interval: interval === FIRST_INTERVAL ? "" : interval,
    tz: tz === "UTC" ? "" : tz,
    window_days: window_days === WINDOW_DAYS ? undefined : window_days,
  });
}

/** Whom a number is about: everybody, where nothing is said. A value is null where no event has one. */
export interface Chosen {
  from_score?: number;
  to_score?: number;
  value?: string | null;
  order?: "lowest" | "highest";
  point?: EngagementPoint;
}

/** Asks for the users behind a number of `answer`, over its very range. */
export function engagedQuestion(question: EngagementQuestion, answer: Pick<EngagementAnswer, "from" | "to" | "series">, { value, point, ...chosen }: Chosen): Body {
  const { limit: _, ...asked } = question;
  const { from, to, series = [] } = answer;
  // That of the end of the range is the one without a name: it moves while the range is not over.
  const at = point && point !== series.at(-1) ? { at: point.at } : {};
  return { ...asked, from, to, ...chosen, ...at, ...(value === undefined ? {} : value === null ? { without_value: true } : { value }) };
}

export function engagedUsersLink(question: EngagementQuestion, answer: Pick<EngagementAnswer, "from" | "to" | "series">, chosen: Chosen): string {
  return usersLink({ of: "engagement/users", question: engagedQuestion(question, answer, chosen) });
}

/** `are engaged from 40 to 50 of 100, of version 2.0, by feedback` */
export function engagedUsersInWords(body: Body): string {
  const { activity = {}, breakdown = "", tz } = engagementOf(body);
  const [low, high, at] = [Number(body["from_score"] ?? 0), Number(body["to_score"] ?? 100), Number(body["at"] ?? 0)];
  const range = low > 0 || high < 100 ? ` from ${low} to ${high} of 100` : "";
  const value = body["without_value"] === true ? "unknown" : text(body["value"]);
  const events = selectionInWords(activity);
  const when = at > 0 ? ` at the end of ${dateIn(at - 1, tz ?? "UTC", { day: "numeric", month: "short" })}` : "";
  const first = body["order"] === "highest" ? "; the highest come first" : body["order"] === "lowest" ? "; the lowest come first" : "";
  return `${at > 0 ? "were" : "are"} engaged${range}${when}${value && `, of ${breakdown} ${value}`}${events && `, by ${events}`}${first}`;
}

/** A score, a part or points: one digit says enough. */
export function score(value: number | null | undefined): string {
  return typeof value === "number" ? decimal(value, 0, 1) : NONE;
}

/** The periods from the first one with a user, the newest first. */
export function periodsOf({ series = [] }: Pick<EngagementAnswer, "series">): EngagementPoint[] {
  const first = series.findIndex(({ users }) => users > 0);
  return first < 0 ? [] : series.slice(first).reverse();
}
