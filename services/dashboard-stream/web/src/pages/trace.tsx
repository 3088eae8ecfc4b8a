/** One trace as a waterfall: what ran when, what the whole waited for, and what each span says. */
import { useState } from "preact/hooks";
import type { Asked } from "../model/asked.ts";
import type { ErrorList, LogList, TraceAnswer, TraceSpan } from "../model/contracts.ts";
import { COMPARE_PATH, ERRORS_PATH, linkTo, LOGS_PATH, percent } from "../model/explorer-choice.ts";
import { type Bar, bars, said, spent, type TraceChoice, traceQueryOf, TRACES_PATH } from "../model/explorer.ts";
import { dayAndTime, plain, time } from "../model/format.ts";
import { AskedAnswer } from "../panels/asked-answer.tsx";
import { Attributes } from "../panels/attributes.tsx";
import { Records } from "./logs.tsx";

/** More spans than this are drawn when somebody asks for them. */
const FIRST_BARS = 300;
/** Where a bar ends behind this share of the width, its duration stands in it. */
const INSIDE = 0.8;

/** Why a trace stays for days. */
const KEPT: Readonly<Record<string, string>> = {
  error: "it failed",
  slow: "it is slow",
  sampled: "one of a sample",
  cited: "an anomaly or incident is about it",
  pinned: "pinned by somebody",
};

interface Props {
  trace: Asked<TraceAnswer>;
  /** Its log records and its errors; `null`: not known (yet). */
  logs: LogList | null;
  errors: ErrorList | null;
  choice: TraceChoice;
  show: (changed: Partial<TraceChoice>) => void;
  retry: () => void;
  now: number;
  /** The address of Jaeger's pages; empty where there are none. */
  jaeger: string;
}

export function TracePage({ trace, logs, errors, choice, show, retry, now, jaeger }: Props) {
  return (
    <div class="traces">
      <p class="back">
        <a href={TRACES_PATH + traceQueryOf({ ...choice, trace: "", span: "" })}>← Traces</a>
      </p>
      <AskedAnswer asked={trace} retry={retry}>
        {(found) => <Whole trace={found} logs={logs} errors={errors} choice={choice} show={show} now={now} jaeger={jaeger} />}
      </AskedAnswer>
    </div>
  );
}

function Whole({ trace, logs, errors, choice, show, now, jaeger }: Pick<Props, "logs" | "errors" | "choice" | "show" | "now" | "jaeger"> & { trace: TraceAnswer }) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [all, setAll] = useState(false);
  const names = trace.service_names ?? {};
  const root = trace.spans.find((span) => span.span_id === trace.root);
  const drawn = bars(trace, closed);
  const shown = all ? drawn : drawn.slice(0, FIRST_BARS);
  const services = new Set(trace.spans.map((span) => span.service)).size;
  const toggle = (id: string) => {
    const next = new Set(closed);
    if (!next.delete(id)) next.add(id);
    setClosed(next);
  };
  const slowest = [...trace.spans].sort((a, b) => (b.self_ms ?? 0) - (a.self_ms ?? 0)).slice(0, 3).filter((span) => span.self_ms);
  return (
    <>
      <div class="panel trace-head">
        <h1>
          <bdi>{names[root?.service ?? ""] ?? root?.service}</bdi>: <bdi>{root?.name}</bdi>
        </h1>
        <p class="muted">
          {now - trace.start_ms > 86_400_000 ? dayAndTime(trace.start_ms) : time(trace.start_ms)}, {spent(trace.duration_ms)}, {trace.truncated ? "the first " : ""}
          {plain(trace.spans.length, "{span}")} {trace.spans.length === 1 ? "span" : "spans"} of {services}{" "}
          {services === 1 ? "service" : "services"}
          {trace.errors > 0 && <span class="bad">, {trace.errors} failed</span>}
          {trace.truncated && <span class="warn">, there are more</span>}
          {trace.kept && trace.kept.length > 0 && <span title="It stays when other traces of its hour are deleted">, kept: {trace.kept.map((why) => KEPT[why] ?? why).join(", ")}</span>}
        </p>
        <p class="muted">
          Trace <code>{trace.trace_id}</code>
          {jaeger && (
            <>
              {" "}
              <a href={`${jaeger}/trace/${trace.trace_id}`}>in Jaeger</a>
            </>
          )}{" "}
          · <a href={linkTo(COMPARE_PATH, { left: trace.trace_id })}>Compare with another trace</a>
        </p>
        {slowest.length > 0 && (
          <p>
            It waited for{" "}
            {slowest.map((span, place) => (
              <span key={span.span_id}>
                {place > 0 && ", "}
                <button type="button" class="link" onClick={() => show({ span: span.span_id })}>
                  <bdi>{span.name}</bdi>
                </button>{" "}
                {spent(span.self_ms ?? 0)} ({percent((span.self_ms ?? 0) / Math.max(trace.duration_ms, 1e-9))})
              </span>
            ))}
            .
          </p>
        )}
        {errors && errors.errors.length > 0 && (
          <p>
            {errors.errors.length === 1 ? "Error" : "Errors"}:{" "}
            {errors.errors.map((one, place) => (
              <span key={one.fingerprint}>
                {place > 0 && ", "}
                <a class="bad" href={linkTo(ERRORS_PATH, { range: "24h", error: one.fingerprint })}>
                  <bdi>{one.title}</bdi>
                </a>{" "}
                <small>
                  in <bdi>{errors.service_names?.[one.service] ?? one.service}</bdi>
                </small>
              </span>
            ))}
          </p>
        )}
      </div>
      <section class="panel waterfall" aria-label="Spans">
        <div class="ruler" aria-hidden="true">
          <span />
          <span class="marks">
            {[0, 0.25, 0.5, 0.75, 1].map((share) => (
              <small key={share} style={{ left: `${share * 100}%` }}>
                {spent(share * spanOf(trace))}
              </small>
            ))}
          </span>
        </div>
        <ul>
          {shown.map((bar) => (
            <Line
              key={bar.span.span_id}
              bar={bar}
              name={names[bar.span.service] ?? bar.span.service}
              open={choice.span === bar.span.span_id}
              closed={closed.has(bar.span.span_id)}
              select={() => show({ span: choice.span === bar.span.span_id ? "" : bar.span.span_id })}
              toggle={() => toggle(bar.span.span_id)}
              trace={trace}
            />
          ))}
        </ul>
        {shown.length < drawn.length && (
          <button type="button" class="more" onClick={() => setAll(true)}>
            Show all {plain(drawn.length, "{span}")} spans
          </button>
        )}
        <p class="muted legend">
          <span class="critical" /> what the whole trace waited for
        </p>
      </section>
      {logs && logs.records.length > 0 && (
        <section class="panel" aria-label="Log records of this trace">
          <h2>Log records</h2>
          <Records records={[...logs.records].reverse()} names={{ ...names, ...logs.service_names }} now={now} jaeger="" withTrace={false} />
          {logs.cursor && (
            <p>
              There are more: <a href={linkTo(LOGS_PATH, { trace_id: trace.trace_id })}>all log records of this trace</a>
            </p>
          )}
        </section>
      )}
      {trace.events && trace.events.length > 0 && (
        <section class="panel" aria-label="Events of the user">
          <h2>What the user did at about that time</h2>
          <table class="attributes user-events">
            <tbody>
              {trace.events.map((event) => (
                <tr key={event.event_id} class={event.in_trace ? "in-trace" : ""}>
                  <td>{time(event.time_ms)}</td>
                  <th scope="row">
                    <bdi>{event.event_type}</bdi>
                  </th>
                  <td>
                    <bdi>{event.user_id ?? event.session_id ?? ""}</bdi>
                  </td>
                  <td>{event.in_trace ? "in this trace" : ""}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  );
}

interface LineProps {
  bar: Bar;
  name: string;
  open: boolean;
  closed: boolean;
  select: () => void;
  toggle: () => void;
  trace: TraceAnswer;
}

function Line({ bar, name, open, closed, select, toggle, trace }: LineProps) {
  const { span } = bar;
  const label = `${name}: ${span.name}, ${spent(span.duration_ms)}${span.status === "error" ? ", failed" : ""}`;
  return (
    <li class={open ? "open" : ""}>
      <div class="line">
        <span class="names" style={{ paddingLeft: `${Math.min(span.depth, 12) * 12}px` }}>
          {bar.below > 0 ? (
            <button type="button" class="fold" aria-expanded={!closed} aria-label={`${closed ? "Show" : "Hide"} ${bar.below} spans below`} onClick={toggle}>
              {closed ? "▸" : "▾"}
            </button>
          ) : (
            <span class="fold" />
          )}
          <button type="button" class={span.status === "error" ? "name bad" : "name"} aria-expanded={open} title={label} onClick={select}>
            <small>
              <bdi>{name}</bdi>
            </small>
            <bdi>{span.name}</bdi>
          </button>
        </span>
        <button type="button" class="track" tabIndex={-1} aria-hidden="true" title={label} onClick={select}>
          <span class={`span hue-${bar.hue}${span.status === "error" ? " failed" : ""}`} style={{ left: `${bar.left * 100}%`, width: `max(2px, ${bar.width * 100}%)` }} />
          {bar.critical.map((part) => (
            <span key={part.left} class={part.waiting ? "critical waiting" : "critical"} style={{ left: `${part.left * 100}%`, width: `max(1px, ${part.width * 100}%)` }} />
          ))}
          <small class={inside(bar) ? "inside" : ""} style={inside(bar) ? { right: `${(1 - bar.left - bar.width) * 100}%` } : { left: `${(bar.left + bar.width) * 100}%` }}>
            {spent(span.duration_ms)}
          </small>
        </button>
      </div>
      {open && <Details span={span} trace={trace} />}
    </li>
  );
}

function Details({ span, trace }: { span: TraceSpan; trace: TraceAnswer }) {
  const facts: [string, string][] = [
    ["started", `${spent(span.start_ms - trace.start_ms)} after the root`],
    ["duration", spent(span.duration_ms)],
    ["of which the trace waited for", spent(span.self_ms ?? 0)],
    ["kind", span.kind],
    ["operation", span.operation],
    ["span id", span.span_id],
  ];
  if (span.message) facts.unshift(["error", span.message]);
  if (span.moved_ms) facts.push(["clock corrected by", spent(Math.abs(span.moved_ms))]);
  if (span.missing_parent) facts.push(["parent", `${span.parent_id} was not received`]);
  if (span.scope) facts.push(["instrumentation", span.scope]);
  return (
    <div class="details">
      <Attributes title="Span" pairs={facts} />
      <Attributes title="Attributes" pairs={sorted(span.attributes)} />
      {(span.events ?? []).map((event, place) => (
        <Attributes key={place} title={`Event ${event.name}, ${spent(Math.max(0, event.time_ms - span.start_ms))} after the start`} pairs={sorted(event.attributes)} />
      ))}
      {(span.links ?? []).map((link) => (
        <p key={link.span_id}>
          Linked to <a href={`${TRACES_PATH}?trace=${link.trace_id}&span=${link.span_id}`}>trace {link.trace_id.slice(0, 8)}…</a>
        </p>
      ))}
      <Attributes title="Resource" pairs={sorted(trace.resources[span.resource])} />
    </div>
  );
}

function sorted(attributes: Record<string, unknown> | undefined): [string, string][] {
  return Object.entries(attributes ?? {})
    .map(([name, value]): [string, string] => [name, said(value)])
    .sort(([a], [b]) => a.localeCompare(b));
}

function inside(bar: Bar): boolean {
  return bar.left + bar.width > INSIDE;
}

/** From the first start to the last end. */
function spanOf(trace: TraceAnswer): number {
  const start = Math.min(...trace.spans.map((span) => span.start_ms));
  return Math.max(...trace.spans.map((span) => span.start_ms + span.duration_ms)) - start;
}
