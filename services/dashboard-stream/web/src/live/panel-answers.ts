/** Asks once for what panels of stored spans, numbers and events show over a range: as they ask themselves. */
import { anyOf, errorRows } from "../model/searches.ts";
import type { AskedPanel } from "../model/panels.ts";
import type { Bounds } from "../model/shown-time.ts";
import { funnelQuestion } from "../model/funnels.ts";
import { fetchErrors } from "./explorer.ts";
import { askedOf } from "./histogram-answer.ts";
import { cameOf } from "./query-answer.ts";
import { questionOfPanel } from "../model/product.ts";
import { retentionQuestion } from "../model/retention.ts";
import { fetchFunnel, fetchJourneys, fetchRetention } from "./product.ts";
import { fetchServiceMap, fetchTracesOf } from "./traces.ts";

export function answerOf(panel: AskedPanel, { from, to }: Bounds, signal: AbortSignal): Promise<unknown> {
  switch (panel.kind) {
    case "traces":
      return fetchTracesOf(panel, from, to, signal);
    case "errors":
      return fetchErrors(errorRows(panel, from, to), signal);
    case "service_map":
      return fetchServiceMap(from, to, anyOf(panel.service, panel.services), signal);
    case "histogram":
      return askedOf(panel, from, to, signal);
    case "funnel":
      return fetchFunnel({ ...funnelQuestion(panel), from, to }, signal);
    case "retention":
      return fetchRetention({ ...retentionQuestion(panel), from, to }, signal);
    case "journeys":
      return fetchJourneys({ ...questionOfPanel(panel), from, to }, signal);
    case "query":
      return cameOf(panel, { from, to }, 0, signal);
  }
}
