/** Asks dashboard-stream what models said within a range of time. */
import type { History } from "../model/incident-history.ts";
import { get } from "./analytics.ts";

export function fetchHistory(from: number, to: number, signal: AbortSignal): Promise<History> {
  return get<History>(`/api/dashboard/insight-history?from=${Math.round(from)}&to=${Math.round(to)}`, signal);
}
