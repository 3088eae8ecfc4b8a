/** What happens to a series, in words: which kind of anomaly, how severe, how certain. Pure. */
import type { AnomalyEvent, ForecastEvent } from "./board.ts";
import { isolated, whole } from "./format.ts";
import { labelText, phrase, withSpaces } from "./names.ts";

/** While it goes on, and when it is over; upwards, then downwards where that differs. */
const SORTS: Record<string, [now: string, past: string, nowDown?: string, pastDown?: string]> = {
  spike: ["spikes", "spiked", "dips", "dipped"],
  drop: ["drops", "dropped"],
  shift: ["has moved to a higher level", "moved to a higher level", "has moved to a lower level", "moved to a lower level"],
  drift: ["drifts upwards", "drifted upwards", "drifts downwards", "drifted downwards"],
  silence: ["is silent", "was silent"],
  variance: ["varies more than usual", "varied more than usual", "varies less than usual", "varied less than usual"],
};

/** Beside a mark or a number, where a sentence has no room. */
const SHORT: Record<string, string> = {
  spike: "spike",
  drop: "drop",
  shift: "shift",
  drift: "drift",
  silence: "silence",
  variance: "variance",
};

/** `memory usage of service retrieval` */
export function about(insight: AnomalyEvent | ForecastEvent): string {
  const labels = Object.entries(insight.labels ?? {}).map(([label, value]) => `${withSpaces(label)} ${isolated(labelText(label, value, insight.service_name))}`);
  return phrase(insight.metric, insight.field) + (labels.length ? ` of ${labels.join(", ")}` : "");
}

/** `drifts upwards`; of what is over `drifted upwards`. Where the model names no kind, or one of a later version, `is unusually high`. */
export function happens(insight: AnomalyEvent, over = false): string {
  const down = insight.direction === "down";
  // a series with a value is not silent, whatever it was before
  const words = SORTS[insight.anomaly === "silence" && (insight.value ?? 0) > 0 ? "drop" : (insight.anomaly ?? "")];
  if (!words) return `${over ? "was" : "is"} ${insight.direction ? `unusually ${down ? "low" : "high"}` : "unusual"}`;
  const [now, past, nowDown, pastDown] = words;
  return over ? ((down ? pastDown : undefined) ?? past) : ((down ? nowDown : undefined) ?? now);
}

/** `Memory usage of service retrieval drifts upwards`, the whole of it. */
export function sentence(insight: AnomalyEvent, over = false): string {
  const text = `${about(insight)} ${happens(insight, over)}`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `drift`, or `high` and `low` where the model names no kind. */
export function short(insight: AnomalyEvent): string {
  const known = SHORT[insight.anomaly ?? ""];
  if (known) return known;
  return insight.direction ? (insight.direction === "down" ? "low" : "high") : "unusual";
}

export function arrow(insight: AnomalyEvent): string {
  return insight.direction === "down" ? "▼" : "▲";
}

/** `confidence 92 %`; nothing where the model does not say. */
export function confidence(insight: AnomalyEvent): string {
  return insight.confidence === undefined || insight.confidence === null ? "" : `confidence ${whole(insight.confidence * 100)} %`;
}
