/** One trace as a waterfall: what ran when, what the whole waited for, and what each span says. */
import { useMemo } from "preact/hooks";
import type { Asked } from "../model/asked.ts";
import type { ErrorList, LogList, OutlineAnswer, SpanAnswer } from "../model/contracts.ts";
import { COMPARE_PATH, ERRORS_PATH, linkTo, LOGS_PATH, percent } from "../model/explorer-choice.ts";
import { said, spent, type TraceChoice, traceQueryOf, TRACES_PATH } from "../model/explorer.ts";
import { dayAndTime, plain, time } from "../model/format.ts";
import { isHiddenSpan, withoutOwnSpans } from "../model/users-spans.ts";
import { marksOf, nameOf, serviceOf, slowestOf, type Waterfall, waterfallOf } from "../model/waterfall.ts";
import { AskedAnswer } from "../panels/asked-answer.tsx";
import { Attributes } from "../panels/attributes.tsx";
import { OwnSwitch } from "../panels/own-switch.tsx";
import { UserLink } from "../panels/user-link.tsx";
import { WaterfallTree } from "../panels/waterfall.tsx";
import { Records } from "./logs.tsx";

const SLOWEST = 3;
/** Smaller corrections of clocks are not named. */
const CLOCK_MS = 0.01;

/** Why a trace stays for days. */
const KEPT: Readonly<Record<string, string>> = {
  error: "it failed",
  slow: "it is slow",
  sampled: "one of a sample",
  cited: "an anomaly or incident is about it",
  pinned: "pinned by somebody",
};

interface Props {
  trace: Asked<OutlineAnswer>;
  /** What the chosen span says. */
  span: Asked<SpanAnswer>;
  retrySpan: () => void;
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

export function TracePage(props: Props) {
  const { trace, choice, retry } = props;
  return (
    <div class="traces">
      <p class="back">
        <a href={TRACES_PATH + traceQueryOf({ ...choice, trace: "", span: "" })}>← Traces</a>
      </p>
      <AskedAnswer asked={trace} retry={retry}>
        {(found) => <Whole {...props} found={found} />}
      </AskedAnswer>
    </div>
  );
}

function Whole({ found, logs, errors, choice, show, now, jaeger, span, retrySpan }: Props & { found: OutlineAnswer }) {
  const users = useMemo(() => withoutOwnSpans(found), [found]);
  const all = choice.own || isHiddenSpan(users, found, choice.span);
  const trace = all ? found : users;
  const tree = useMemo(() => waterfallOf(trace), [trace]);
  const slowest = useMemo(() => slowestOf(tree, SLOWEST), [tree]);
  const marks = useMemo(() => marksOf(tree, logs?.records ?? [], trace.events ?? []), [tree, logs]);
  const names = trace.service_names ?? {};
  const root = tree.places.get(trace.root) ?? 0;
  const services = new Set(trace.of_service).size;
  const hidden = found.span_ids.length - tree.count;
  return (
    <>
      <div class="panel trace-head">
        <h1>
          <bdi>{serviceOf(tree, root)}</bdi>: <bdi>{nameOf(tree, root)}</bdi>
        </h1>
        <p class="muted">
          {now - trace.start_ms > 86_400_000 ? dayAndTime(trace.start_ms) : time(trace.start_ms)}, {spent(trace.duration_ms)}, {trace.truncated ? "the first " : ""}
          {plain(tree.count, "{span}")} {tree.count === 1 ? "span" : "spans"} of {services}{" "}
          {services === 1 ? "service" : "services"}
          {tree.failed.size > 0 && <span class="bad">, {plain(tree.failed.size, "{span}")} failed</span>}
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
        {users !== found && (
          <p class="muted">
            <OwnSwitch own={all} service="" show={(own) => show(own ? { own } : { own, span: "" })} />
            {hidden > 0 && ` ${plain(hidden, "{span}")} ${hidden === 1 ? "span" : "spans"} of them, which store and count what the trace sent, ${hidden === 1 ? "is" : "are"} hidden.`}
          </p>
        )}
        {slowest.length > 0 && (
          <p>
            It waited for{" "}
            {slowest.map((place, rank) => (
              <span key={place}>
                {rank > 0 && ", "}
                <button type="button" class="link" onClick={() => show({ span: trace.span_ids[place] ?? "" })}>
                  <bdi>{nameOf(tree, place)}</bdi>
                </button>{" "}
                {spent(trace.self_ms[place] ?? 0)} ({percent((trace.self_ms[place] ?? 0) / Math.max(trace.duration_ms, 1e-9))})
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
      <div class={choice.span ? "trace-body with-span" : "trace-body"}>
        <section class="panel waterfall" aria-label="Spans">
          <WaterfallTree tree={tree} marks={marks} chosen={choice.span} choose={(chosen) => show({ span: chosen })} />
          <p class="muted legend">
            <span class="critical" /> what the whole trace waited for{trace.shortened_path && ", without its shortest parts"}
            {marks.size > 0 && (
              <>
                {" "}
                <span class="moment" /> a log record, or an event of the user
              </>
            )}
          </p>
        </section>
        {choice.span && (
          <section class="panel details" aria-label="Span">
            <p class="close">
              <button type="button" onClick={() => show({ span: "" })}>
                Close
              </button>
            </p>
            <AskedAnswer asked={span} retry={retrySpan}>
              {(said) => <Details span={said} tree={tree} />}
            </AskedAnswer>
          </section>
        )}
      </div>
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
                    {event.user_id ? <UserLink id={event.user_id} /> : <bdi>{event.session_id ?? ""}</bdi>}
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

function Details({ span, tree }: { span: SpanAnswer; tree: Waterfall }) {
  const { outline, places } = tree;
  const place = places.get(span.span_id);
  const facts: [string, string][] = [["duration", spent(span.duration_ms)]];
  if (span.message) facts.unshift(["error", span.message]);
  if (place !== undefined) {
    const start = outline.starts_ms[place] ?? 0;
    const moved = outline.start_ms + start - span.start_ms;
    facts.push(["started", `${spent(Math.abs(start))} ${start < 0 ? "before" : "after"} the root`]);
    facts.push(["of which the trace waited for", spent(outline.self_ms[place] ?? 0)]);
    // The clocks of two hosts differ by microseconds at least; less is how times are rounded.
    if (Math.abs(moved) >= CLOCK_MS) facts.push(["clock corrected by", spent(Math.abs(moved))]);
    if (outline.missing_parent?.includes(place)) facts.push(["parent", `${span.parent_id} was not received`]);
  }
  facts.push(["kind", span.kind], ["operation", span.operation], ["span id", span.span_id]);
  if (span.scope) facts.push(["instrumentation", span.scope]);
  return (
    <>
      <h2>
        <bdi>{span.name}</bdi>
      </h2>
      {span.truncated && <p class="warn">It says more than can be shown.</p>}
      <Attributes title="Span" pairs={facts} />
      <Attributes title="Attributes" pairs={sorted(span.attributes)} />
      {(span.events ?? []).map((event, number) => (
        <Attributes key={number} title={`Event ${event.name}, ${spent(Math.max(0, event.time_ms - span.start_ms))} after the start`} pairs={sorted(event.attributes)} />
      ))}
      {(span.links ?? []).map((link) => (
        <p key={link.span_id}>
          Linked to <a href={`${TRACES_PATH}?trace=${link.trace_id}&span=${link.span_id}`}>trace {link.trace_id.slice(0, 8)}…</a>
        </p>
      ))}
      <Attributes title="Resource" pairs={sorted(span.resource)} />
    </>
  );
}

function sorted(attributes: Record<string, unknown> | undefined): [string, string][] {
  return Object.entries(attributes ?? {})
    .map(([name, value]): [string, string] => [name, said(value)])
    .sort(([a], [b]) => a.localeCompare(b));
}
