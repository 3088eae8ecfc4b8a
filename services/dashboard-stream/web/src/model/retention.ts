/** Retention as people ask for it, and what its numbers are called. Pure. */
import type { RetentionAnswer, RetentionCohort, RetentionColumn, RetentionPanel, RetentionQuery, RetentionTotal } from "./contracts.ts";
import { areComplete, conditionsOf, countOf, filled, oneOf, selectionInWords, selectionOf, text, texts } from "./event-choice.ts";
import { dateIn } from "./format.ts";
import { type Body, questionOfPanel, usersLink, withQuestion } from "./product.ts";

/** The question without tenant and range; fields that are not known here are kept. */
export type RetentionQuestion = Omit<RetentionQuery, "tenant" | "from" | "to" | "sample">;

export type Interval = NonNullable<RetentionQuery["interval"]>;
export type Kind = NonNullable<RetentionQuery["kind"]>;

export const INTERVALS: readonly Interval[] = ["day", "week", "month"];
export const KINDS = [
  ["classic", "in exactly that period"],
  ["rolling", "in it or any later one"],
  ["bracketed", "within brackets of periods"],
] as const satisfies readonly (readonly [Kind, string])[];

export const PERIODS = 8;

/** The question of a panel. */
export function retentionQuestion(panel: RetentionPanel): RetentionQuestion {
  const { retention_kind, ...question } = questionOfPanel(panel);
  return { ...question, ...filled({ kind: retention_kind }) };
}

export function withRetention(panel: RetentionPanel, { kind, ...question }: RetentionQuestion): RetentionPanel {
  return withQuestion(panel, { ...question, ...filled({ retention_kind: kind }) });
}

/** What an address or a document says, as a question. */
export function retentionOf(body: Body | null): RetentionQuestion {
  const { interval, tz, start, return: returning, where, recurring, kind, periods, brackets, breakdown, ...rest } = body ?? {};
  const [began, cameBack] = [selectionOf(start), selectionOf(returning)];
  return {
    ...rest,
    ...filled({
      interval: oneOf(INTERVALS, interval),
      tz: text(tz),
      start: hasFields(began) ? began : undefined,
      return: hasFields(cameBack) ? cameBack : undefined,
      where: conditionsOf(where),
      recurring: recurring === true,
      kind: oneOf(
        KINDS.map(([one]) => one),
        kind,
      ),
      periods: countOf(periods),
      brackets: texts(brackets),
      breakdown: text(breakdown),
    }),
  };
}

function hasFields(value: object): boolean {
  return Object.keys(value).length > 0;
}

/** The question as it is sent: without what is empty or as from the start. `null`: a condition or the brackets are not complete. */
export function completeRetention(question: RetentionQuestion): RetentionQuestion | null {
  const { start, return: returning, where, kind, periods, brackets = [], ...rest } = question;
  if (![start?.where, returning?.where, where].every(areComplete)) return null;
  const ranges = brackets.map((one) => one.trim()).filter(Boolean);
  if (kind === "bracketed" && ranges.length === 0) return null;
  const columns = kind === "bracketed" ? { brackets: ranges } : periods === PERIODS ? {} : { periods };
  return retentionOf({ ...rest, start, return: returning, where, kind: kind === "classic" ? undefined : kind, ...columns, interval: rest.interval === "week" ? undefined : rest.interval, tz: rest.tz === "UTC" ? "" : rest.tz });
}

/** `Week 2`, `Weeks 4–7` */
export function columnInWords({ first, last }: RetentionColumn, interval: Interval): string {
  const word = interval.charAt(0).toUpperCase() + interval.slice(1);
  return first === last ? `${word} ${first}` : `${word}s ${first}–${last}`;
}

const DATES: Record<Interval, Intl.DateTimeFormatOptions> = {
  day: { weekday: "short", day: "numeric", month: "short" },
  week: { day: "numeric", month: "short" },
  month: { month: "long", year: "numeric" },
};

/** When a period began, as its zone's calendar has it: `12 Oct`, `October 2026`. */
export function periodInWords(from: number, interval: Interval, tz = "UTC"): string {
  return dateIn(from, tz, DATES[interval]);
}

export type Outcome = "retained" | "lost";

export interface RetentionCell {
  users: number;
  share: number | null;
  /** The period is over: the number is the last. */
  complete: boolean;
}

export interface RetentionRow {
  /** 0: that of all cohorts together, of those for which each column is complete. */
  from: number;
  size: number | null;
  cells: (RetentionCell | null)[];
}

/** What a table of some cohorts shows, from the first one with users on; `outcome`: of those who came back, or of the others. */
export function rowsOf({ cohorts, total }: { cohorts: readonly RetentionCohort[]; total: RetentionTotal }, columns: number, outcome: Outcome): RetentionRow[] {
  const cell = (size: number, users: number, complete: boolean): RetentionCell => {
    const counted = outcome === "retained" ? users : size - users;
    return { users: counted, share: size ? counted / size : null, complete };
  };
  const places = Array.from({ length: columns }, (_, place) => place);
  const all = { from: 0, size: null, cells: places.map((place) => (total.sizes[place] ? cell(total.sizes[place], total.users[place] ?? 0, true) : null)) };
  const first = cohorts.findIndex(({ size }) => size > 0);
  return [all, ...cohorts.slice(Math.max(0, first)).map(({ from, size, users, complete }) => ({ from, size, cells: places.map((place) => (size > 0 && place < users.length ? cell(size, users[place] ?? 0, place < complete) : null)) }))];
}

/** How many are in the cohorts; with `recurring` a user may be in several. */
export function sizeOf({ cohorts }: Pick<RetentionAnswer, "cohorts">): number {
  return cohorts.reduce((sum, { size }) => sum + size, 0);
}

/** Whom a number is about. `value` of the break-down where it is of one group. */
export interface Chosen {
  cohort: number;
  cell: number;
  outcome: Outcome;
  value?: string | null;
}

/** The users behind a cell of `answer`, over its very range. */
export function retentionUsersLink(question: RetentionQuestion, answer: Pick<RetentionAnswer, "from" | "to">, { cohort, cell, outcome, value }: Chosen): string {
  const { limit: _, ...asked } = question;
  const { from, to } = answer;
  return usersLink({ of: "retention/users", question: { ...asked, from, to, cohort_from: cohort, cell, outcome, ...(value === undefined ? {} : value === null ? { without_value: true } : { value }) } });
}

/** `began in the week of 12 Oct and came back in week 2` */
export function retentionUsersInWords(body: Body): string {
  const { interval = "week", tz = "UTC", kind = "classic", brackets = [], start = {}, return: returning = {}, breakdown = "" } = retentionOf(body);
  const cell = Number(body["cell"]) || 0;
  const [first = cell, last = first] = kind === "bracketed" ? (brackets[cell] ?? "").split("-").map(Number) : [];
  const column = columnInWords({ first, last }, interval).toLowerCase();
  const period = periodInWords(Number(body["cohort_from"]) || 0, interval, tz);
  const began = `began ${interval === "week" ? "in the week of" : interval === "day" ? "on" : "in"} ${period}`;
  const back = body["outcome"] === "lost" ? "did not come back" : "came back";
  const by = [selectionInWords(start) && `with ${selectionInWords(start)}`, `and ${back} in ${column}${kind === "rolling" ? " or later" : ""}`, selectionInWords(returning) && `with ${selectionInWords(returning)}`];
  const group = body["without_value"] === true ? "unknown" : text(body["value"]);
  return [began, ...by].filter(Boolean).join(" ") + (group ? `, of ${breakdown} ${group}` : "");
}
