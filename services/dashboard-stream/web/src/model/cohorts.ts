/** A cohort as people put it together, and what it says in words. Pure. */
import type { Cohort, CohortCondition, DidEvents, EventSelection, UserMetric } from "./contracts.ts";
import { areComplete, filled, selectionInWords } from "./event-choice.ts";
import { counted } from "./format.ts";
import { type Body, usersLink } from "./product.ts";

/** A condition of a form: what users did or did not, or a number of theirs. */
export interface Part {
  kind: "did" | "not" | "metric";
  events: EventSelection;
  at_least: number;
  /** Of so many last days; 0: of all that is stored. */
  days: number;
  function: UserMetric["function"];
  property: string;
  op: UserMetric["op"];
  /** As it is typed. */
  value: string;
}

export interface Draft {
  name: string;
  title: string;
  match: "all" | "any";
  parts: Part[];
}

export const EMPTY_PART: Part = { kind: "did", events: {}, at_least: 1, days: 0, function: "count", property: "", op: ">=", value: "" };
export const EMPTY_DRAFT: Draft = { name: "", title: "", match: "all", parts: [EMPTY_PART] };

export const PART_KINDS = { did: "did", not: "did not do", metric: "have a number" } as const satisfies Record<Part["kind"], string>;
export const FUNCTIONS: readonly UserMetric["function"][] = ["count", "sum", "mean", "min", "max", "last"];
export const COMPARISONS: readonly UserMetric["op"][] = ["=", "!=", "<", "<=", ">", ">="];
export const MOST_PARTS = 20;

const NAME = /^[a-z0-9_-]{1,64}$/;

/** `Regulars, who rate` as a name: `regulars-who-rate`. */
export function nameOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 64);
}

/** What is stored; `null`: a part is not complete. */
export function storedOf({ name, title, match, parts }: Draft): { name: string; body: { title: string; condition: CohortCondition; revision: number } } | null {
  const wanted = name || nameOf(title);
  if (!NAME.test(wanted) || !parts.length || !parts.every(isComplete)) return null;
  return { name: wanted, body: { title: title || wanted, condition: { [match]: parts.map(conditionOf) }, revision: 0 } };
}

function isComplete({ kind, events, property, value }: Part): boolean {
  if (!areComplete(events.where)) return false;
  if (kind === "metric") return property !== "" && value.trim() !== "" && Number.isFinite(Number(value));
  return true;
}

function conditionOf({ kind, events, at_least, days, function: applied, property, op, value }: Part): CohortCondition {
  const chosen = { ...events, ...(days > 0 ? { from: `now-${days}d` } : {}) };
  if (kind === "metric") return { metric: { function: applied, property, op, value: Number(value), ...chosen } };
  const did = { ...chosen, ...(at_least === 1 ? {} : { at_least }) };
  return kind === "not" ? { not: { did } } : { did };
}

/** Where the service finds fault with a part: `condition.all.0.not.did.where.0.property`, here without what stands before the events. */
export function faultIn(field: string, { match, parts }: Draft, at: number): string | null {
  const kind = parts[at]?.kind ?? "did";
  const place = `condition.${match}.${at}.`;
  if (!field.startsWith(place)) return field === place.slice(0, -1) ? "" : null;
  return field.slice(place.length).replace(kind === "metric" ? /^metric\.?/ : kind === "not" ? /^not\.?(did\.?)?/ : /^did\.?/, "");
}

/** The users of a cohort at this moment. */
export function cohortUsersLink(name: string): string {
  return usersLink({ of: "cohorts/users", question: { name } });
}

export function cohortUsersInWords(body: Body): string {
  return `are in the cohort ${typeof body["name"] === "string" ? body["name"] : ""} now`;
}

/** `did page_view 3 times or more in the last 30 days, and mean of rating ≥ 4 in feedback` */
export function cohortInWords({ condition, user_count }: Pick<Cohort, "condition" | "user_count">): string {
  return condition ? conditionInWords(condition) : `${counted(user_count ?? 0, "id")}, kept as they were saved`;
}

function conditionInWords({ all, any, not, did, metric }: CohortCondition): string {
  if (all?.length) return all.map(inside).join(", and ");
  if (any?.length) return any.map(inside).join(", or ");
  if (not) return not.did ? `did not: ${didInWords(not.did)}` : `not (${conditionInWords(not)})`;
  if (did) return `did ${didInWords(did)}`;
  if (!metric) return "";
  const events = selectionInWords(metric);
  return `${metric.function} of ${metric.property} ${metric.op} ${metric.value}${events ? ` in ${events}` : ""}${sinceInWords(metric)}`;
}

function inside(condition: CohortCondition): string {
  return (condition.all?.length ?? 0) > 1 || (condition.any?.length ?? 0) > 1 ? `(${conditionInWords(condition)})` : conditionInWords(condition);
}

function didInWords(did: DidEvents): string {
  const { at_least = 1, at_most } = did;
  const times = typeof at_most === "number" ? ` ${at_least} to ${at_most} times` : at_least > 1 ? ` ${at_least} times or more` : "";
  return (selectionInWords(did) || "anything") + times + sinceInWords(did);
}

function sinceInWords({ from = "", to = "" }: Pick<DidEvents, "from" | "to">): string {
  const days = /^now-(\d+)d$/.exec(from)?.[1];
  if (days && (!to || to === "now")) return ` in the last ${counted(Number(days), "day")}`;
  return (from ? ` since ${from}` : "") + (to ? ` until ${to}` : "");
}

/** A part with `undefined` and empty lists left out of its events. */
export function withEvents(part: Part, events: EventSelection): Part {
  return { ...part, events: filled(events) };
}
