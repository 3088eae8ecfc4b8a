/** Asks the gateway for errors, bottlenecks, log records and root causes, and says what an editor says about an error. */
import type { BottlenecksAnswer, ErrorAnswer, ErrorGroup, ErrorList, LogList, RootCauseAnswer, SharedAnswer, TemplateList } from "../model/contracts.ts";
import { get, post, ROOT } from "./analytics.ts";

type Ask<T> = (conditions: URLSearchParams, signal: AbortSignal) => Promise<T>;

function question<T>(path: string): Ask<T> {
  return (conditions, signal) => get<T>(`${ROOT}/${path}?${conditions}`, signal);
}

export const fetchErrors = question<ErrorList>("errors");
export const fetchShared = question<SharedAnswer>("traces/shared");
export const fetchBottlenecks = question<BottlenecksAnswer>("bottlenecks");
export const fetchLogs = question<LogList>("logs");
export const fetchTemplates = question<TemplateList>("logs/templates");
export const fetchRootCause = question<RootCauseAnswer>("root-cause");

export function fetchError(fingerprint: string, conditions: URLSearchParams, signal: AbortSignal): Promise<ErrorAnswer> {
  return get<ErrorAnswer>(`${ROOT}/errors/${encodeURIComponent(fingerprint)}?${conditions}`, signal);
}

export function changeError(fingerprint: string, status: ErrorGroup["status"], version: string): Promise<ErrorGroup> {
  return post<ErrorGroup>(`${ROOT}/errors/${encodeURIComponent(fingerprint)}`, { status, ...(version ? { version } : {}) });
}
