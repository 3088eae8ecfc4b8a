/** The frame around the page of traces: what the address chooses, and what is asked for it. */
import { useEffect, useState } from "preact/hooks";
import { fetchSession, gatewayNow } from "../live/analytics.ts";
import { fetchErrors, fetchLogs } from "../live/explorer.ts";
import { fetchFacets, fetchOutline, fetchSpan, fetchTraces } from "../live/traces.ts";
import { conditionsOf, type TraceChoice, traceChoiceOf, traceQueryOf, TRACES_PATH } from "../model/explorer.ts";
import { everyMs } from "../model/time-range.ts";
import { TracePage } from "../pages/trace.tsx";
import { TracesPage } from "../pages/traces.tsx";
import { ExplorerFrame, type ExplorerProps, SESSION_EVERY_MS, useClock } from "./explorer-frame.tsx";
import { useAsked } from "../live/use-asked.ts";
import { usePages } from "./use-pages.ts";

const PAGE = 50;
/** Log records of a trace that are shown on its page. */
const RECORDS = 100;
/** A trace that is shown may still get spans. */
const TRACE_EVERY_MS = 15_000;
/** One that ended this long ago hardly does. */
const GROWS_MS = 120_000;
const OLD_EVERY_MS = 600_000;

export function TracesView({ query, places, go, theme }: ExplorerProps) {
  const choice = traceChoiceOf(query);
  const now = useClock();
  const listEvery = everyMs(choice);
  const listKey = choice.trace ? null : traceQueryOf({ ...choice, sort: "" });
  const facetsKey = listKey === null ? null : traceQueryOf({ ...choice, slowest: false, sort: "" });
  const conditions = (more: Record<string, string> = {}) => {
    const asked = conditionsOf(choice, gatewayNow());
    if (choice.slowest) asked.set("order", "slowest");
    for (const [name, value] of Object.entries({ limit: String(PAGE), ...more })) asked.set(name, value);
    return asked;
  };
  const [list, retry] = useAsked(listKey, listEvery, (signal) => fetchTraces(conditions(), signal));
  const [facets] = useAsked(facetsKey, 2 * listEvery, (signal) => fetchFacets(conditionsOf(choice, gatewayNow()), signal));
  const [traceEvery, setTraceEvery] = useState(TRACE_EVERY_MS);
  const [trace, retryTrace] = useAsked(choice.trace || null, traceEvery, (signal) => fetchOutline(choice.trace, signal));
  const shown = choice.trace && choice.span && trace.value ? `${choice.trace} ${choice.span}` : null;
  const [span, retrySpan] = useAsked(shown, OLD_EVERY_MS, (signal) => fetchSpan(choice.trace, choice.span, signal));
  const old = trace.value !== null && gatewayNow() - trace.value.start_ms - trace.value.duration_ms > GROWS_MS;
  useEffect(() => setTraceEvery(old ? OLD_EVERY_MS : TRACE_EVERY_MS), [old]);
  const there = trace.value?.trace_id ?? null;
  const [logs] = useAsked(there, traceEvery, (signal) => fetchLogs(new URLSearchParams({ trace_id: there ?? "", limit: String(RECORDS) }), signal));
  const [errors] = useAsked(there, traceEvery, (signal) => fetchErrors(new URLSearchParams({ trace_id: there ?? "" }), signal));
  const [session] = useAsked("session", SESSION_EVERY_MS, fetchSession);
  const { pages, more, why, newest } = usePages(listKey, list.value, (at, signal) => fetchTraces(conditions(at), signal));

  useEffect(() => {
    document.title = `${choice.trace ? `Trace ${choice.trace.slice(0, 8)}` : "Traces"} · Drishti`;
  }, [choice.trace]);

  const show = (changed: Partial<TraceChoice>) => go(TRACES_PATH + traceQueryOf({ ...choice, ...changed }), { stay: changed.trace === undefined });
  const jaeger = session.value?.jaeger_ui_url ?? "";
  return (
    <ExplorerFrame
      places={places}
      path={TRACES_PATH}
      go={go}
      asked={choice.trace ? trace : list}
      every={choice.trace ? traceEvery : listEvery}
      now={now}
      theme={theme}
      json={choice.trace ? `traces/${encodeURIComponent(choice.trace)}` : `traces?${conditions()}`}
      what={choice.trace ? "this trace" : "these traces"}
      opened={() => {
        retry();
        retryTrace();
      }}
    >
      {choice.trace ? (
        <TracePage trace={trace} span={span} retrySpan={retrySpan} logs={logs.value} errors={errors.value} choice={choice} show={show} retry={retryTrace} now={now} jaeger={jaeger} />
      ) : (
        <TracesPage list={list} traces={pages.flatMap((page) => page.traces)} more={more} newest={newest} why={why} facets={facets} choice={choice} show={show} retry={retry} now={now} jaeger={jaeger} />
      )}
    </ExplorerFrame>
  );
}
