/** What happens to a series, in words: which kind of anomaly, how severe, how certain. Pure. */
import type { InsightEvent } from "./board.ts";
import { labelText, phrase, withSpaces } from "./names.ts";

/** While it goes on, and when it is over; upwards, then downwards where that differs. */
const SORTS: Record<NonNullable<InsightEvent["anomaly"]>, [now: string, past: string, nowDown?: string, pastDown?: string]> = {
  spike: ["spikes", "spiked", "dips", "dipped"],
  drop: ["drops", "dropped"],
  shift: ["has moved to a higher level", "moved to a higher level", "has moved to a lower level", "moved to a lower level"],
  drift: ["drifts upwards", "drifted upwards", "drifts downwards", "drifted downwards"],
  silence: ["is silent", "was silent"],
  variance: ["varies more than usual", "varied more than usual", "varies less than usual", "varied less than usual"],
};

/** Beside a mark or a number, where a sentence has no room. */
const SHORT: Record<NonNullable<InsightEvent["anomaly"]>, string> = {
  spike: "spike",
  drop: "drop",
  shift: "shift",
  drift: "drift",
  silence: "silence",
  variance: "variance",
};

/** `memory usage of service retrieval` */
export function about(insight: InsightEvent): string {
  const labels = Object.entries(insight.labels ?? {}).map(([label, value]) => `${withSpaces(label)} ${labelText(label, value, insight.service_name)}`);
  return phrase(insight.metric, insight.field) + (labels.length ? ` of ${labels.join(", ")}` : "");
}

/** `drifts upwards`; of what is over `drifted upwards`. Where the model names no kind, `is unusually high`. */
export function happens(insight: InsightEvent, over = false): string {
  const down = insight.direction === "down";
  if (!insight.anomaly) return `${over ? "was" : "is"} ${insight.direction ? `unusually ${down ? "low" : "high"}` : "unusual"}`;
  // a series with a value is not silent, whatever it was before
  const [now, past, nowDown, pastDown] = SORTS[insight.anomaly === "silence" && (insight.value ?? 0) > 0 ? "drop" : insight.anomaly];
  return over ? ((down ? pastDown : undefined) ?? past) : ((down ? nowDown : undefined) ?? now);
}

/** `Memory usage of service retrieval drifts upwards`, the whole of it. */
export function sentence(insight: InsightEvent, over = false): string {
  const text = `${about(insight)} ${happens(insight, over)}`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `drift`, or `high` and `low` where the model names no kind. */
export function short(insight: InsightEvent): string {
  if (insight.anomaly) return SHORT[insight.anomaly];
  return insight.direction ? (insight.direction === "down" ? "low" : "high") : "unusual";
}

export function arrow(insight: InsightEvent): string {
  return insight.direction === "down" ? "▼" : "▲";
}

/** `confidence 92 %`; nothing where the model does not say. */
export function confidence(insight: InsightEvent): string {
  return insight.confidence === undefined || insight.confidence === null ? "" : `confidence ${Math.round(insight.confidence * 100)} %`;
}
