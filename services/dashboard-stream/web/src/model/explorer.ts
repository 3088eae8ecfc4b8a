/** What the pages of traces and of the service map show, as their addresses say it. Pure. */
import type { TraceAnswer, TraceSpan } from "./contracts.ts";
import { decimal, whole } from "./format.ts";
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
}

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
  return asked;
}

/** `850 µs`, `12.4 ms`, `1.90 s`, `3.2 min` */
export function spent(ms: number): string {
  if (ms < 1) return `${whole(ms * 1000)} µs`;
  if (ms < 100) return `${decimal(ms, 1)} ms`;
  if (ms < 1000) return `${whole(ms)} ms`;
  if (ms < 60_000) return `${decimal(ms / 1000, 2)} s`;
  return `${decimal(ms / 60_000, 1)} min`;
}

/** One span as it is drawn: places are shares of the width. */
export interface Bar {
  span: TraceSpan;
  left: number;
  width: number;
  /** The parts of it on the critical path. */
  critical: { left: number; width: number; waiting: boolean }[];
  /** Spans below it. */
  below: number;
  hue: number;
}

/** The bars of a trace, in the order of the tree, without what is below a span in `closed`. */
export function bars(trace: TraceAnswer, closed: ReadonlySet<string>): Bar[] {
  const start = Math.min(...trace.spans.map((span) => span.start_ms));
  const end = Math.max(...trace.spans.map((span) => span.start_ms + span.duration_ms));
  const whole = Math.max(end - start, 1e-6);
  const place = (at: number) => (at - start) / whole;
  const services = [...new Set(trace.spans.map((span) => span.service))];
  const critical = new Map<string, Bar["critical"]>();
  for (const section of trace.critical_path) {
    const part = { left: place(section.start_ms), width: place(section.end_ms) - place(section.start_ms), waiting: section.waiting };
    critical.set(section.span_id, [...(critical.get(section.span_id) ?? []), part]);
  }
  const shown: Bar[] = [];
  let hidden = Infinity;
  trace.spans.forEach((span, position) => {
    if (span.depth > hidden) return;
    hidden = closed.has(span.span_id) ? span.depth : Infinity;
    let below = 0;
    while ((trace.spans[position + below + 1]?.depth ?? -1) > span.depth) below++;
    shown.push({
      span,
      left: place(span.start_ms),
      width: span.duration_ms / whole,
      critical: critical.get(span.span_id) ?? [],
      below,
      hue: services.indexOf(span.service) % 8,
    });
  });
  return shown;
}

/** A value of an attribute as a text. */
export function said(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
