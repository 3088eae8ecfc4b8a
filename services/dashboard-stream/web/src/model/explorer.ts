/** What the pages of traces and of the service map show, as their addresses say it. Pure. */
import { decimal, whole } from "./format.ts";
import type { DurationBucket, FoundTrace } from "./contracts.ts";
import { ownShown, withoutOwnUnless } from "./own-services.ts";
import type { Range } from "./metric-choice.ts";
import { boundsOf, sayWindow, type TimeWindow, TRACE_RANGES, windowOf } from "./time-range.ts";

export const TRACES_PATH = "/api/dashboard/traces";
export const MAP_PATH = "/api/dashboard/service-map";

const FIRST_RANGE = TRACE_RANGES[0] as Range;

/** Conditions on a span. Texts are as they are typed; empty: none. `trace`: the one that is shown, with `span` unfolded. */
export interface TraceChoice extends TimeWindow {
  trace: string;
  span: string;
  service: string;
  operation: string;
  status: string;
  min: string;
  max: string;
  user: string;
  session: string;
  text: string;
  attributes: string[];
  slowest: boolean;
  root: boolean;
  /** The column by which the traces that are shown are in order, where it is not that of the search. */
  sort: Sort;
  /** Whether Drishti's own services are shown, too. */
  own: boolean;
  /** Of the service map: the call that is shown by itself. */
  edge: string;
}

export type Sort = "" | "spans" | "errors";
const SORTS: readonly string[] = ["spans", "errors"];

export function traceChoiceOf(query: string): TraceChoice {
  const given = new URLSearchParams(query);
  const text = (name: string) => given.get(name) ?? "";
  return {
    trace: text("trace").trim(),
    span: text("span"),
    ...windowOf(given, FIRST_RANGE),
    service: text("service"),
    operation: text("operation"),
    status: text("status"),
    min: text("min"),
    max: text("max"),
    user: text("user"),
    session: text("session"),
    text: text("text"),
    attributes: given.getAll("attribute").filter(Boolean),
    slowest: text("order") === "slowest",
    root: text("root") === "1",
    sort: SORTS.includes(text("sort")) ? (text("sort") as Sort) : "",
    own: text("own") === "1",
    edge: text("edge"),
  };
}

export function traceQueryOf(choice: TraceChoice): string {
  const said = new URLSearchParams();
  const say = (name: string, value: string) => value && said.set(name, value);
  say("trace", choice.trace);
  say("span", choice.span);
  sayWindow(said, choice, FIRST_RANGE);
  say("service", choice.service);
  say("operation", choice.operation);
  say("status", choice.status);
  say("min", choice.min);
  say("max", choice.max);
  say("user", choice.user);
  say("session", choice.session);
  say("text", choice.text);
  for (const one of choice.attributes) said.append("attribute", one);
  say("order", choice.slowest ? "slowest" : "");
  say("root", choice.root ? "1" : "");
  say("sort", choice.sort);
  say("own", choice.own ? "1" : "");
  say("edge", choice.edge);
  const text = said.toString();
  return text && `?${text}`;
}

/** The conditions as the gateway takes them. */
export function conditionsOf(choice: TraceChoice, now: number): URLSearchParams {
  const bounds = boundsOf(choice, now);
  const asked = new URLSearchParams({ from: String(bounds.from), to: String(bounds.to) });
  const say = (name: string, value: string) => value && asked.set(name, value);
  say("service", choice.service);
  say("operation", choice.operation);
  say("status", choice.status);
  say("min_duration_ms", choice.min);
  say("max_duration_ms", choice.max);
  say("user_id", choice.user);
  say("session_id", choice.session);
  say("text", choice.text);
  for (const one of choice.attributes) asked.append("attribute", one);
  say("root", choice.root ? "true" : "");
  return withoutOwnUnless(ownShown(choice.own, choice.service), asked);
}

/** `850 µs`, `12.4 ms`, `1.90 s`, `3.2 min` */
export function spent(ms: number): string {
  if (ms < 1) return `${whole(ms * 1000)} µs`;
  if (ms < 100) return `${decimal(ms, 1)} ms`;
  if (ms < 1000) return `${whole(ms)} ms`;
  if (ms < 60_000) return `${decimal(ms / 1000, 2)} s`;
  return `${decimal(ms / 60_000, 1)} min`;
}

/**
 * Traces in the order of the chosen column, most first. They come in the order of the spans that meet the conditions, which
 * began after their traces and took another time: as they come, the column that is shown would be out of order.
 */
export function sorted(traces: readonly FoundTrace[], { sort, slowest }: Pick<TraceChoice, "sort" | "slowest">): FoundTrace[] {
  const column = sort || (slowest ? "duration_ms" : "start_ms");
  return [...traces].sort((a, b) => b[column] - a[column]);
}

/** The range of durations of some buckets of a histogram, as conditions: from the one to the other, in either order. */
export function durationsOf(buckets: readonly DurationBucket[], one: number, other: number): Pick<TraceChoice, "min" | "max"> {
  const [first, last] = [buckets[Math.min(one, other)], buckets[Math.max(one, other)]];
  return first && last ? { min: String(first.from_ms), max: String(last.to_ms) } : { min: "", max: "" };
}

/** A value of an attribute as a text. */
export function said(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
