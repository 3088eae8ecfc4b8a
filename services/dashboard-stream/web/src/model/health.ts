/** The state of a dashboard in one word, by its incidents and by what is known at all. Pure. */
import type { InsightEvent } from "./board.ts";
import { duration } from "./format.ts";
import { CATCHING_UP, type Incident } from "./incidents.ts";
import type { Watching } from "./watching.ts";

/** A predictor that made forecasts each minute and is silent for this long evaluates nothing either. */
export const MUTE_MS = 300_000;

export interface Health {
  word: string;
  tone: "good" | "warn" | "bad" | "quiet";
  why: string;
}

/** The states of the connection under which numbers are evaluated; {@link INCOMPLETE} numbers can only show what is wrong. */
const INCOMPLETE = "incomplete";
const EVALUATED = new Set(["live", "paused", INCOMPLETE]);

/**
 * The dashboard in one word; `current` is what stands now, {@link standing}. Only what is evaluated makes it healthy or unhealthy. `page`
 * is the word of {@link status}: numbers that are old, or still being read, are not evaluated. `silent`: {@link silence}.
 */
export function health(current: readonly Incident[], watching: Watching, page = "live", silent = 0): Health {
  if (page === "catching up") return { word: "Catching up", tone: "quiet", why: "the recent past is still being read" };
  if (!EVALUATED.has(page)) return { word: "Unknown", tone: "quiet", why: "there are no new numbers" };
  const open = current.filter((incident) => incident.open && !incident.unjudged);
  const critical = open.filter((incident) => incident.severity === "critical").length;
  if (critical) return { word: "Unhealthy", tone: "bad", why: counted(open.length, "open anomaly", "open anomalies") };
  if (open.length) return { word: "Degraded", tone: "warn", why: counted(open.length, "open anomaly", "open anomalies") };
  const settled = current.filter((incident) => incident.stays);
  if (settled.length) {
    const tone = settled.some((incident) => incident.severity === "critical") ? "bad" : "warn";
    return { word: "Not recovered", tone, why: `${counted(settled.length, "anomaly", "anomalies")} taken as the new normal` };
  }
  const unknown = current.filter((incident) => incident.unjudged);
  const [first] = unknown;
  if (first) {
    const word = unknown.every((incident) => incident.unjudged === CATCHING_UP) ? "Catching up" : "Unknown";
    return { word, tone: "quiet", why: `${counted(unknown.length, "anomaly", "anomalies")}: ${first.unjudged}` };
  }
  if (!watching.ready.length && watching.unjudged.length) return { word: "Unknown", tone: "quiet", why: watching.unjudged[0] ?? "" };
  if (!watching.ready.length && watching.learning.length) {
    return { word: "Learning", tone: "quiet", why: "the models are still learning what is normal" };
  }
  if (!watching.ready.length) return { word: "No anomalies", tone: "quiet", why: "no model has reported one yet" };
  if (page === INCOMPLETE) return { word: "Unknown", tone: "quiet", why: "the numbers are not complete" };
  if (silent >= MUTE_MS) return { word: "Unknown", tone: "quiet", why: `no update from the predictor for ${duration(silent)}` };
  const unjudged = watching.unjudged.length ? `; ${watching.unjudged.length} series not evaluated` : "";
  const rest = unjudged + (watching.unwatched.length ? `; ${counted(watching.unwatched.length, "metric", "metrics")} partly watched` : "");
  return { word: "Healthy", tone: "good", why: `no open anomaly${rest}` };
}

/** How long the predictor has been silent, where it is known to run: a forecast of the next minutes is made each minute. */
export function silence(insights: Iterable<InsightEvent>, now: number): number {
  const forecasts = [...insights].filter((one) => one.kind === "forecast").filter((one) => typeof one.horizon_ms === "number");
  const nearest = Math.min(...forecasts.map((one) => one.horizon_ms as number));
  const newest = Math.max(...forecasts.filter((one) => one.horizon_ms === nearest).map((one) => one.at));
  return forecasts.length ? Math.max(0, now - newest) : 0;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
