/** What the pages of errors, bottlenecks, logs and root causes show, as their addresses say it. Pure. */
import { TRACES_PATH } from "./explorer.ts";
import { decimal, whole } from "./format.ts";
import type { Range } from "./metric-choice.ts";
import { boundsOf, sayWindow, type TimeWindow, TRACE_RANGES, windowOf } from "./time-range.ts";

export const ERRORS_PATH = "/api/dashboard/errors";
export const BOTTLENECKS_PATH = "/api/dashboard/bottlenecks";
export const LOGS_PATH = "/api/dashboard/logs";
export const HOME_PATH = "/api/dashboard/home";
export const INCIDENTS_PATH = "/api/dashboard/incidents";
export const COMPARE_PATH = "/api/dashboard/compare-traces";
export const CAUSES_PATH = "/api/dashboard/root-cause";

const FIRST_RANGE = TRACE_RANGES[1] as Range;

/**
 * What each page has besides its range of time, as texts; empty: no condition. They are named as the API names its parameters.
 * `own`: Drishti's own services are shown, too; `withoutOwnUnless` says it to the API.
 */
export const ERROR_FIELDS = ["error", "service", "status", "text", "order", "own"] as const;
export const BOTTLENECK_FIELDS = ["service", "operation", "quantile", "own"] as const;
/** `template`: ids with commas between them. */
export const LOG_FIELDS = ["service", "severity", "template", "text", "trace_id", "own"] as const;
export const CAUSE_FIELDS = ["own"] as const;
/** `status`: `open` or `over`; `severity`: at least. */
export const INCIDENT_FIELDS = ["status", "severity", "service", "text", "own"] as const;

export type Choice<Field extends string> = TimeWindow & Record<Field, string>;
export type ErrorChoice = Choice<(typeof ERROR_FIELDS)[number]>;
export type BottleneckChoice = Choice<(typeof BOTTLENECK_FIELDS)[number]>;
export type LogChoice = Choice<(typeof LOG_FIELDS)[number]>;
export type IncidentChoice = Choice<(typeof INCIDENT_FIELDS)[number]>;
export type CauseChoice = Choice<(typeof CAUSE_FIELDS)[number]>;

/** Other names of fields in addresses, as the API has them. */
const ALSO: Readonly<Record<string, string>> = { error: "fingerprint" };

export function choiceOf<Field extends string>(query: string, fields: readonly Field[]): Choice<Field> {
  const given = new URLSearchParams(query);
  const texts = Object.fromEntries(fields.map((field) => [field, (given.get(field) ?? given.get(ALSO[field] ?? "") ?? "").trim()]));
  return { ...windowOf(given, FIRST_RANGE), ...texts } as Choice<Field>;
}

/** The query of the address that shows `choice`, with its `?`; empty where nothing is chosen. */
export function queryOf<Field extends string>(choice: Choice<Field>, fields: readonly Field[]): string {
  const said = new URLSearchParams();
  sayWindow(said, choice, FIRST_RANGE);
  for (const field of fields) if (choice[field]) said.set(field, choice[field]);
  const text = said.toString();
  return text && `?${text}`;
}

/** The conditions as the gateway takes them. */
export function askedOf<Field extends string>(choice: Choice<Field>, fields: readonly Field[], now: number): URLSearchParams {
  const { from, to } = boundsOf(choice, now);
  const asked = new URLSearchParams({ from: String(from), to: String(to) });
  for (const field of fields) if (choice[field] && field !== "own") asked.set(field, choice[field]);
  return asked;
}

/** The address of a page with these conditions; those that are empty are left out. */
export function linkTo(path: string, conditions: Record<string, string | number | undefined> = {}): string {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(conditions)) if (value) said.set(name, String(value));
  const text = said.toString();
  return text ? `${path}?${text}` : path;
}

/** The window of `choice` for the address of another page, which may have another one from the start. */
export function sameWindow(choice: TimeWindow): Record<string, string> {
  const said = new URLSearchParams();
  sayWindow(said, choice, null);
  return Object.fromEntries(said);
}

const BEFORE_MS = 120_000;
const AFTER_MS = 180_000;

/** The question where a trouble began that was noticed at `since`: things go wrong some time before somebody notices. */
export function causeLink(since: number, until: number, now: number): string {
  const to = Math.min(Math.max(until, since + AFTER_MS), since + 2 * AFTER_MS, Math.max(now, since + 1));
  return linkTo(CAUSES_PATH, { from: Math.round(since - BEFORE_MS), to: Math.round(to) });
}

const DURATIONS: ReadonlySet<string> = new Set(["ns", "us", "ms", "s", "min", "h"]);

/**
 * The traces of the time of a trouble, of one service where it is about one: what was slow, by its `unit`, has the slowest first, and of
 * a field that counts errors they are those that failed.
 */
export function tracesAround(since: number, until: number, { service, field = "", unit = "" }: { service?: string; field?: string; unit?: string } = {}): string {
  const status = field === "errors" || field === "error_rate" ? "error" : undefined;
  const order = DURATIONS.has(unit) ? "slowest" : undefined;
  return linkTo(TRACES_PATH, { service, status, order, from: Math.round(since - BEFORE_MS), to: Math.round(Math.max(until, since + AFTER_MS)) });
}

/** A part of a whole: `62 %`, `4.1 %`, `< 0.1 %`. */
export function percent(share: number): string {
  return share > 0 && share < 0.001 ? `< ${decimal(0.1, 1)} %` : `${decimal(share * 100, share < 0.1 && share > 0 ? 1 : 0)} %`;
}

/** A change against a day earlier: `+50 %`; `new` where there was nothing, `same` below one percent. */
export function trendInWords(trend: number | null | undefined): string {
  if (trend === null || trend === undefined) return "new";
  if (Math.abs(trend) < 0.01) return "same";
  return trend >= 9 ? `${whole(trend + 1)} ×` : `${trend > 0 ? "+" : "−"}${whole(Math.abs(trend) * 100)} %`;
}
