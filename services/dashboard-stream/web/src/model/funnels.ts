/** A funnel as people put it together, and what its numbers are called. Pure. */
import type { FunnelAnswer, FunnelPanel, FunnelQuery, FunnelResult, FunnelStep } from "./contracts.ts";
import { areComplete, bodies, conditionInWords, conditionsOf, filled, oneOf, text } from "./event-choice.ts";
import { percent } from "./explorer-choice.ts";
import { counted, whole } from "./format.ts";
import { type Body, questionOfPanel, usersLink, withQuestion } from "./product.ts";

/** The question without tenant and range; fields that are not known here are kept. */
export type FunnelQuestion = Omit<FunnelQuery, "tenant" | "from" | "to" | "sample">;

/** The question of a panel. */
export function funnelQuestion({ steps, saved: _, ...rest }: FunnelPanel): FunnelQuestion {
  return { steps: [...steps], ...filled(questionOfPanel(rest)) };
}

/** The panel with another question, of which the account is kept only where it is of use. */
export function withFunnel(panel: FunnelPanel, { unit, account, ...question }: FunnelQuestion): FunnelPanel {
  return withQuestion(panel, filled({ ...question, unit, account: unit === "account" ? account : "", saved: panel.saved }));
}

/** The question whose answer a saved funnel shows. */
export function questionOfSaved({ funnel: { days: _, ...question } }: Pick<FunnelResult, "funnel">): FunnelQuestion {
  return question;
}

export const MOST_STEPS = 12;
export const MOST_EXCLUSIONS = 4;
const WINDOW_S = 604_800;
const LEAST_STEPS = 2;

export const ORDERS = [
  ["ordered", "one after the other"],
  ["strict", "nothing in between"],
  ["any", "in any order"],
] as const satisfies readonly (readonly [NonNullable<FunnelQuery["order"]>, string])[];

export const UNITS_OF = [
  ["user", "user"],
  ["session", "session"],
  ["account", "account"],
] as const satisfies readonly (readonly [NonNullable<FunnelQuery["unit"]>, string])[];

export const EMPTY_STEP: FunnelStep = { event_type: "" };

/** What an address or a document says, as a funnel of two steps at least, which may be empty. */
export function funnelOf(body: Body | null): FunnelQuestion {
  const steps = bodies(body?.["steps"]).map(stepOf);
  while (steps.length < LEAST_STEPS) steps.push(EMPTY_STEP);
  const { exclusions, order, unit, ...rest } = body ?? {};
  return {
    ...rest,
    steps,
    ...filled({ exclusions: bodies(exclusions).map(stepOf) }),
    ...filled({ order: oneOf(ORDERS.map(([one]) => one), order), unit: oneOf(UNITS_OF.map(([one]) => one), unit) }),
  };
}

function stepOf(step: Body): FunnelStep {
  const { where, ...rest } = step;
  return { ...rest, event_type: text(step["event_type"]), ...filled({ where: conditionsOf(where) }) };
}

/** The funnel as it is asked for: without what is empty or as from the start. `null`: a step or a condition is not complete. */
export function askedFunnel(funnel: FunnelQuestion): FunnelQuestion | null {
  const { steps, window_s = WINDOW_S, breakdown = "", order = "ordered", unit = "user", account = "", exclusions = [], ...rest } = funnel;
  const complete = [...steps, ...exclusions].every((event) => event.event_type && areComplete(event.where));
  if (!complete || steps.length < LEAST_STEPS || (unit === "account" && !account)) return null;
  return {
    ...rest,
    steps,
    ...(window_s === WINDOW_S ? {} : { window_s }),
    ...(breakdown ? { breakdown } : {}),
    ...(order === "ordered" ? {} : { order }),
    ...(unit === "user" ? {} : { unit }),
    ...(unit === "account" ? { account } : {}),
    ...(exclusions.length ? { exclusions } : {}),
  };
}

const UNITS = [
  ["d", "days", 86_400],
  ["h", "hours", 3_600],
  ["min", "minutes", 60],
  ["s", "seconds", 1],
] as const;

export const WINDOW_UNITS = UNITS.map(([unit, title]) => [unit, title] as const);
export type WindowUnit = (typeof UNITS)[number][0];

/** The window in the largest unit of which it is whole ones. */
export function windowParts(window_s = WINDOW_S): { number: number; unit: WindowUnit } {
  const [unit, , seconds] = UNITS.find(([, , size]) => window_s % size === 0 && window_s >= size) ?? UNITS[3];
  return { number: window_s / seconds, unit };
}

export function windowSeconds(number: number, unit: WindowUnit): number {
  return Math.round(number * (UNITS.find(([one]) => one === unit)?.[2] ?? 1));
}

/** `page_view, page begins with /tea` */
export function stepInWords({ event_type, where = [] }: FunnelStep): string {
  return [event_type, ...where.map(conditionInWords)].join(", ");
}

/** Whom a number of a funnel is about. `step` from 1; `value` of the break-down where it is of one group. */
export interface Chosen {
  step: number;
  outcome: "converted" | "dropped";
  value?: string | null;
}

/** The users behind a number of `answer`, over its very range. */
export function funnelUsersLink(funnel: FunnelQuestion, answer: Pick<FunnelAnswer, "from" | "to">, { step, outcome, value }: Chosen): string {
  const { limit: _, ...question } = funnel;
  const { from, to } = answer;
  return usersLink({ of: "funnel/users", question: { ...question, from, to, step, outcome, ...(value === undefined ? {} : value === null ? { without_value: true } : { value }) } });
}

/** `reached step 2, feedback`, `did page_view and not step 2, feedback, after it` */
export function funnelUsersInWords(body: Body): string {
  const { steps } = funnelOf(body);
  const step = Number(body["step"]) || 1;
  const name = stepInWords(steps[step - 1] ?? EMPTY_STEP);
  const value = body["without_value"] ? "unknown" : text(body["value"]);
  const group = value && `, of ${text(body["breakdown"])} ${value}`;
  if (body["outcome"] !== "dropped") return `reached step ${step}, ${name}${group}`;
  return `got to step ${step - 1}, ${stepInWords(steps[step - 2] ?? EMPTY_STEP)}, and not to step ${step}, ${name}${group}`;
}

export interface Bar {
  step: number;
  title: string;
  users: number;
  /** Of the first step, and of the one before; `null` of nobody. */
  ofFirst: number | null;
  ofPrevious: number | null;
  /** Who got to the step before and not here. */
  dropped: number;
}

export function barsOf(answer: Pick<FunnelAnswer, "steps">, funnel: FunnelQuestion): Bar[] {
  return answer.steps.map((step, place) => ({
    step: place + 1,
    title: stepInWords(funnel.steps[place] ?? { event_type: step.event_type }),
    users: step.users,
    ofFirst: step.of_first ?? null,
    ofPrevious: step.of_previous ?? null,
    dropped: place ? (answer.steps[place - 1]?.users ?? 0) - step.users : 0,
  }));
}

/** `204 of 1,204 users got to the last step: 17 %` */
export function resultInWords({ steps, unit = "user" }: Pick<FunnelAnswer, "steps" | "unit">): string {
  const [first, last] = [steps[0]?.users ?? 0, steps.at(-1)?.users ?? 0];
  return `${whole(last)} of ${counted(first, unit)} got to the last step${first ? `: ${percent(last / first)}` : ""}`;
}

/** The step before which most users are lost. */
export function worstStep({ steps }: Pick<FunnelAnswer, "steps">): number {
  const lost = steps.slice(1).map((step, place) => (steps[place]?.users ?? 0) - step.users);
  return lost.indexOf(Math.max(...lost)) + 2;
}

/** What differs between who went on to `step` and who left before it, over the very range of `answer`. */
export function autopsyQuestion(funnel: FunnelQuestion, { from, to }: Pick<FunnelAnswer, "from" | "to">, step: number): Body {
  const { breakdown: _, limit: __, ...question } = funnel;
  return { ...question, from, to, step };
}

/** How likely chance alone makes as much differ. */
export function chanceInWords(p: number): string {
  return p < 0.001 ? "p < 0.001" : `p = ${p.toFixed(3)}`;
}
