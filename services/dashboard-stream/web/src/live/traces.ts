/** Asks the gateway for traces and for the service map. */
import type { ComparisonAnswer, FacetAnswer, OutlineAnswer, ServiceMapAnswer, SpanAnswer, SpanSearchAnswer, TraceAnswer, TraceList, TracesPanel } from "../model/contracts.ts";
import { sorted } from "../model/explorer.ts";
import { sayAny, traceSearch } from "../model/searches.ts";
import { get, ROOT } from "./analytics.ts";

export function fetchTraces(conditions: URLSearchParams, signal: AbortSignal): Promise<TraceList> {
  return get<TraceList>(`${ROOT}/traces?${conditions}`, signal);
}

/** The traces of a panel, in its order. */
export async function fetchTracesOf(panel: TracesPanel, from: number, to: number, signal: AbortSignal): Promise<TraceList> {
  const found = await fetchTraces(traceSearch(panel, from, to), signal);
  return { ...found, traces: [...sorted(found.traces, { sort: "", slowest: panel.order === "slowest" })] };
}

export function fetchFacets(conditions: URLSearchParams, signal: AbortSignal): Promise<FacetAnswer> {
  return get<FacetAnswer>(`${ROOT}/traces/facets?${conditions}`, signal);
}

export function fetchTrace(traceId: string, signal: AbortSignal): Promise<TraceAnswer> {
  return get<TraceAnswer>(`${ROOT}/traces/${encodeURIComponent(traceId)}`, signal);
}

export function fetchOutline(traceId: string, signal: AbortSignal): Promise<OutlineAnswer> {
  return get<OutlineAnswer>(`${ROOT}/traces/${encodeURIComponent(traceId)}/outline`, signal);
}

export function fetchSpan(traceId: string, spanId: string, signal: AbortSignal): Promise<SpanAnswer> {
  return get<SpanAnswer>(`${ROOT}/traces/${encodeURIComponent(traceId)}/spans/${encodeURIComponent(spanId)}`, signal);
}

export function fetchSpansWith(traceId: string, text: string, signal: AbortSignal): Promise<SpanSearchAnswer> {
  return get<SpanSearchAnswer>(`${ROOT}/traces/${encodeURIComponent(traceId)}/spans?${new URLSearchParams({ text })}`, signal);
}

export function fetchComparison(left: string, right: string, signal: AbortSignal): Promise<ComparisonAnswer> {
  return get<ComparisonAnswer>(`${ROOT}/traces/compare?${new URLSearchParams({ left, right })}`, signal);
}

/** `around`: services, with their neighbours; none: all. */
export function fetchServiceMap(from: number, to: number, around: readonly string[], signal: AbortSignal): Promise<ServiceMapAnswer> {
  const asked = new URLSearchParams({ from: String(Math.round(from)), to: String(Math.round(to)) });
  sayAny(asked, "service", around);
  return get<ServiceMapAnswer>(`${ROOT}/service-map?${asked}`, signal);
}
