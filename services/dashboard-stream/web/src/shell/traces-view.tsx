/** The frame around the page of traces: what the address chooses, and what is asked for it. */
import { useEffect, useState } from "preact/hooks";
import type { Theme } from "../charts/palette.ts";
import { fetchSession, gatewayNow } from "../live/analytics.ts";
import { fetchFacets, fetchTrace, fetchTraces } from "../live/traces.ts";
import { ageInWords, wordOf } from "../model/asked.ts";
import { conditionsOf, type TraceChoice, traceChoiceOf, traceQueryOf, TRACES_PATH } from "../model/explorer.ts";
import type { FoundTrace } from "../model/contracts.ts";
import { TracePage } from "../pages/trace.tsx";
import { TracesPage } from "../pages/traces.tsx";
import { KeyForm } from "./banner.tsx";
import { ExplorerFrame, STATUS, useClock } from "./explorer-frame.tsx";
import type { Place } from "./header.tsx";
import type { Go } from "./hooks.ts";
import { useAsked } from "./use-asked.ts";

const PAGE = 50;
/** A trace that is shown may still get spans. */
const TRACE_EVERY_MS = 15_000;
const SESSION_EVERY_MS = 600_000;

interface Props {
  query: string;
  places: Place[];
  go: Go;
  theme: Theme;
}

export function TracesView({ query, places, go, theme }: Props) {
  const choice = traceChoiceOf(query);
  const now = useClock();
  const listKey = choice.trace ? null : traceQueryOf(choice);
  const facetsKey = listKey === null ? null : traceQueryOf({ ...choice, slowest: false });
  const [more, setMore] = useState<{ key: string; traces: FoundTrace[]; cursor: string; why: string }>({ key: "", traces: [], cursor: "", why: "" });
  const asked = (to: number) => {
    const conditions = conditionsOf(choice, to);
    if (choice.slowest) conditions.set("order", "slowest");
    conditions.set("limit", String(PAGE));
    return conditions;
  };
  const [list, retry] = useAsked(listKey, choice.range.every_ms, (signal) => fetchTraces(asked(gatewayNow()), signal));
  const [facets] = useAsked(facetsKey, 2 * choice.range.every_ms, (signal) => fetchFacets(conditionsOf(choice, gatewayNow()), signal));
  const [trace, retryTrace] = useAsked(choice.trace || null, TRACE_EVERY_MS, (signal) => fetchTrace(choice.trace, signal));
  const [session] = useAsked(choice.trace ? "session" : null, SESSION_EVERY_MS, fetchSession);
  const shown = choice.trace ? trace : list;

  useEffect(() => {
    document.title = `${choice.trace ? `Trace ${choice.trace.slice(0, 8)}` : "Traces"} · Drishti`;
  }, [choice.trace]);

  const show = (changed: Partial<TraceChoice>) => go(TRACES_PATH + traceQueryOf({ ...choice, ...changed }), { stay: changed.trace === undefined });
  const added = more.key === listKey ? more : { traces: [], cursor: "", why: "" };
  const cursor = added.cursor || (added.traces.length ? "" : (list.value?.cursor ?? ""));
  const showMore = () => {
    // The range of the first page goes on: the cursor is of that one.
    const conditions = asked(list.value?.to ?? gatewayNow());
    conditions.set("from", String(list.value?.from ?? 0));
    conditions.set("cursor", cursor);
    const keep = (traces: FoundTrace[], next: string, why: string) => setMore({ key: listKey ?? "", traces, cursor: next, why });
    fetchTraces(conditions, AbortSignal.timeout(20_000)).then(
      (page) => keep([...added.traces, ...page.traces], page.cursor ?? "", ""),
      (error: Error) => keep(added.traces, cursor, error.message),
    );
  };
  const every = choice.trace ? TRACE_EVERY_MS : choice.range.every_ms;
  const word = wordOf(shown, now, every);
  const json = choice.trace ? `traces/${encodeURIComponent(choice.trace)}` : `traces?${asked(now)}`;
  return (
    <ExplorerFrame
      places={places}
      path={TRACES_PATH}
      go={go}
      status={STATUS[word]}
      age={word === "refreshing" ? "refreshing…" : ageInWords(shown, now)}
      theme={theme}
      json={json}
      what={choice.trace ? "this trace" : "these traces"}
    >
      {shown.failure?.key && (
        <KeyForm
          why={`${shown.failure.why}.`}
          opened={() => {
            retry();
            retryTrace();
          }}
        />
      )}
      {choice.trace ? (
        <TracePage trace={trace} choice={choice} show={show} retry={retryTrace} now={now} jaeger={session.value?.jaeger_ui_url ?? ""} />
      ) : (
        <TracesPage list={list} added={added.traces} more={cursor ? showMore : null} why={added.why} facets={facets} choice={choice} show={show} retry={retry} now={now} />
      )}
    </ExplorerFrame>
  );
}
