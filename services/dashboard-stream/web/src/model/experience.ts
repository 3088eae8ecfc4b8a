/** What users do after they met something, as people ask for it, and what its numbers are called. Pure. */
import type { Dose, DoseBin, DoseResponseAnswer, DoseResponseQuery, EventsMet, Outcome } from "./contracts.ts";
import { areComplete, conditionsOf, countOf, filled, oneOf, selectionInWords, text, texts } from "./event-choice.ts";
import { percent } from "./explorer-choice.ts";
import { decimal, NONE } from "./format.ts";
import { type Body, isBody, usersLink } from "./product.ts";

/** The question without tenant and range; fields that are not known here are kept. */
export type ExperienceQuestion = Omit<DoseResponseQuery, "tenant" | "from" | "to" | "sample">;

export const EXPOSURE_S = 86_400;
export const WITHIN_S = 604_800;
export const BINS = 5;
export const STRATA: readonly string[] = ["activity", "service", "version"];

export const MEASURES = [
  ["count", "how many events"],
  ["mean", "the mean of a property"],
  ["max", "the largest value of a property"],
] as const satisfies readonly (readonly [NonNullable<Dose["measure"]>, string])[];

export const KINDS = [
  ["return", "come back"],
  ["conversion", "do something"],
  ["active_days", "are active on so many days"],
] as const satisfies readonly (readonly [NonNullable<Outcome["kind"]>, string])[];

/** What an address says, as a question; its dose may be empty. */
export function experienceOf(body: Body | null): ExperienceQuestion {
  const { start, dose, outcome, exposure_s, within_s, bins, strata, ...rest } = body ?? {};
  const met = isBody(dose) ? dose : {};
  const then = isBody(outcome) ? outcome : {};
  const began = eventsOf(start);
  const outcomeOf: Outcome = { ...filled({ kind: oneOf(KINDS.map(([kind]) => kind), then["kind"]) }), ...eventsOf(then) };
  return {
    ...rest,
    dose: { ...filled({ measure: oneOf(MEASURES.map(([measure]) => measure), met["measure"]), property: text(met["property"]) }), ...eventsOf(met) },
    ...(Object.keys(began).length ? { start: began } : {}),
    ...(Object.keys(outcomeOf).length ? { outcome: outcomeOf } : {}),
    ...filled({ exposure_s: countOf(exposure_s), within_s: countOf(within_s), bins: countOf(bins) }),
    ...(Array.isArray(strata) ? { strata: texts(strata) } : {}),
  };
}

function eventsOf(events: unknown): EventsMet {
  return isBody(events) ? filled({ event_type: text(events["event_type"]), where: conditionsOf(events["where"]) }) : {};
}

/** The question as it is sent: without what is empty, as from the start, or of no use to it. `null`: something is not complete. */
export function completeExperience(question: ExperienceQuestion): ExperienceQuestion | null {
  const { start, dose, outcome = {}, exposure_s, within_s, bins, strata = STRATA, ...rest } = question;
  const { property, ...counted } = dose;
  const isCount = (dose.measure ?? "count") === "count";
  const { kind = "return", ...done } = outcome;
  if (![start, dose, kind === "return" ? {} : done].every((events) => areComplete(events?.where))) return null;
  if (isCount ? !dose.event_type && !dose.where?.length : !property) return null;
  if (kind === "conversion" && !done.event_type) return null;
  const alike = strata.map((name) => name.trim()).filter(Boolean);
  return experienceOf({
    ...rest,
    start,
    dose: isCount ? { ...counted, measure: undefined } : dose,
    outcome: kind === "return" ? undefined : outcome,
    exposure_s: exposure_s === EXPOSURE_S ? undefined : exposure_s,
    within_s: within_s === WITHIN_S ? undefined : within_s,
    bins: bins === BINS ? undefined : bins,
    strata: alike.join() === STRATA.join() ? undefined : alike,
  });
}

/** Whom a number is about: the users of a range of the dose, or those without one; with the outcome or not, where that is said. */
export interface Chosen {
  bin: DoseBin | null;
  with_outcome?: boolean;
}

/** The users behind a number of `answer`, over its very range and at its very time. */
export function experienceUsersLink(question: ExperienceQuestion, answer: Pick<DoseResponseAnswer, "from" | "to" | "as_of">, { bin, ...chosen }: Chosen): string {
  const { bins: _, edges: _e, strata: _s, ...asked } = question;
  const { from, to, as_of } = answer;
  const range = bin ? filled({ from_dose: bin.from_dose, to_dose: bin.to_dose }) : { without_dose: true };
  return usersLink({ of: "dose-response/users", question: { ...asked, from, to, as_of, ...range, ...chosen } });
}

/** `had 900 to 1,200 as mean latency_ms of dharma_query, and came back` */
export function experienceUsersInWords(body: Body): string {
  const { dose, outcome = {} } = experienceOf(body);
  const bin = { from_dose: numberOf(body["from_dose"]), to_dose: numberOf(body["to_dose"]) };
  const met = body["without_dose"] === true ? `had no ${doseInWords(dose)}` : `had ${rangeInWords(bin)} as ${doseInWords(dose)}`;
  const done = body["with_outcome"];
  return `${met}${typeof done === "boolean" ? `, and ${outcomeInWords(outcome, done)}` : ""}`;
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

/** `mean latency_ms of dharma_query`, `number of errors` */
export function doseInWords({ measure = "count", property = "", event_type = "", where = [] }: Dose): string {
  const events = selectionInWords({ event_types: event_type ? [event_type] : [], where });
  if (measure === "count") return `number of ${events || "events"}`;
  return `${measure === "max" ? "largest" : "mean"} ${property}${events && ` of ${events}`}`;
}

/** `came back`, `did not do feedback`; of the number of days, whether there was one. */
export function outcomeInWords({ kind = "return", event_type = "", where = [] }: Outcome, done: boolean): string {
  const events = selectionInWords({ event_types: event_type ? [event_type] : [], where });
  if (kind === "return") return done ? "came back" : "did not come back";
  if (kind === "conversion") return done ? `did ${events}` : `did not do ${events}`;
  return `${done ? "were" : "were not"} active${events && ` by ${events}`}`;
}

/** `900 to 1,200`, `below 900`, `1,200 and more` */
export function rangeInWords({ from_dose: from = null, to_dose: to = null }: Pick<DoseBin, "from_dose" | "to_dose">): string {
  if (from === null) return to === null ? "any" : `below ${dose(to)}`;
  return to === null ? `${dose(from)} and more` : `${dose(from)} to ${dose(to)}`;
}

export function dose(value: number): string {
  return decimal(value, 0, 2);
}

/** A share, or the mean number of days. */
export function response(value: number | null | undefined, outcome: Outcome | undefined): string {
  if (typeof value !== "number") return NONE;
  // An interval that begins at 0 begins a rounding error beside it.
  return outcome?.kind === "active_days" ? decimal(value, 1, 1) : percent(Math.round(value * 1e6) / 1e6);
}

/** How long a whole bar is: all, or the most days that lie in an interval. */
export function wholeOf({ bins, without_dose }: Pick<DoseResponseAnswer, "bins" | "without_dose">, outcome: Outcome | undefined): number {
  if (outcome?.kind !== "active_days") return 1;
  return Math.max(1, ...[...bins, ...(without_dose ? [without_dose] : [])].map(({ value, high }) => high ?? value));
}
