/** What happens to a series, in words: what sort of anomaly, how grave, how sure. Pure. */
import type { Told } from "./board.ts";
import { called, phrase, spoken } from "./names.ts";

/** While it goes on, and when it is over; upwards, then downwards where that differs. */
const SORTS: Record<NonNullable<Told["anomaly"]>, [now: string, past: string, nowDown?: string, pastDown?: string]> = {
  spike: ["spikes", "spiked", "dips", "dipped"],
  drop: ["drops", "dropped"],
  shift: ["has moved to a higher level", "moved to a higher level", "has moved to a lower level", "moved to a lower level"],
  drift: ["drifts upwards", "drifted upwards", "drifts downwards", "drifted downwards"],
  silence: ["is silent", "was silent"],
  variance: ["varies more than usual", "varied more than usual", "varies less than usual", "varied less than usual"],
};

/** Beside a mark or a number, where a sentence has no room. */
const SHORT: Record<NonNullable<Told["anomaly"]>, string> = {
  spike: "spike",
  drop: "drop",
  shift: "shift",
  drift: "drift",
  silence: "silence",
  variance: "unsteady",
};

/** `memory usage of service retrieval` */
export function about(told: Told): string {
  const labels = Object.entries(told.labels ?? {}).map(([label, value]) => `${spoken(label)} ${called(label, value, told.service_name)}`);
  return phrase(told.metric, told.field) + (labels.length ? ` of ${labels.join(", ")}` : "");
}

/** `drifts upwards`; of what is over `drifted upwards`. Where nobody says what sort it is, `is unusually high`. */
export function happens(told: Told, over = false): string {
  const down = told.direction === "down";
  if (!told.anomaly) return `${over ? "was" : "is"} ${told.direction ? `unusually ${down ? "low" : "high"}` : "unusual"}`;
  // nobody is silent who is heard, whatever it was before
  const [now, past, nowDown, pastDown] = SORTS[told.anomaly === "silence" && (told.value ?? 0) > 0 ? "drop" : told.anomaly];
  return over ? ((down ? pastDown : undefined) ?? past) : ((down ? nowDown : undefined) ?? now);
}

/** `Memory usage of service retrieval drifts upwards`, the whole of it. */
export function sentence(told: Told, over = false): string {
  const text = `${about(told)} ${happens(told, over)}`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `drift`, or `high` and `low` where nobody says what sort it is. */
export function short(told: Told): string {
  if (told.anomaly) return SHORT[told.anomaly];
  return told.direction ? (told.direction === "down" ? "low" : "high") : "unusual";
}

export function arrow(told: Told): string {
  return told.direction === "down" ? "▼" : "▲";
}

/** `confidence 92 %`; nothing where the model does not say. */
export function confidence(told: Told): string {
  return told.confidence === undefined || told.confidence === null ? "" : `confidence ${Math.round(told.confidence * 100)} %`;
}
