/** The state of a dashboard in one word, by its incidents and by what is known at all. Pure. */
import type { InsightEvent } from "./board.ts";
import { duration } from "./format.ts";
import { CATCHING_UP, type Incident } from "./incidents.ts";
import type { Watching } from "./watching.ts";

/** A predictor that forecast each minute and has said nothing for so long judges nothing either. */
export const MUTE_MS = 300_000;

export interface Health {
  word: string;
  tone: "good" | "warn" | "bad" | "quiet";
  why: string;
}

/** The words of the page's connection under which something is judged; of {@link INCOMPLETE} numbers only what is wrong. */
const INCOMPLETE = "incomplete";
const JUDGED = new Set(["live", "paused", INCOMPLETE]);

/**
 * The dashboard in one word; `found` is what stands now, {@link standing}. Only what is judged makes it well or unwell. `page`
 * is the word of {@link status}: numbers that are old, or still being read, are judged by nobody. `silent`: {@link silence}.
 */
export function health(found: readonly Incident[], watching: Watching, page = "live", silent = 0): Health {
  if (page === "catching up") return { word: "Catching up", tone: "quiet", why: "the recent past is still being read" };
  if (!JUDGED.has(page)) return { word: "Not judged", tone: "quiet", why: "there are no new numbers" };
  const open = found.filter((incident) => incident.open && !incident.unjudged);
  const critical = open.filter((incident) => incident.severity === "critical").length;
  if (critical) return { word: "Unwell", tone: "bad", why: counted(open.length, "open anomaly", "open anomalies") };
  if (open.length) return { word: "Needs attention", tone: "warn", why: counted(open.length, "open anomaly", "open anomalies") };
  const settled = found.filter((incident) => incident.stays);
  if (settled.length) {
    const tone = settled.some((incident) => incident.severity === "critical") ? "bad" : "warn";
    return { word: "Not recovered", tone, why: `${counted(settled.length, "anomaly", "anomalies")} taken as the new normal` };
  }
  const unknown = found.filter((incident) => incident.unjudged);
  const [first] = unknown;
  if (first) {
    const word = unknown.every((incident) => incident.unjudged === CATCHING_UP) ? "Catching up" : "Not judged";
    return { word, tone: "quiet", why: `${counted(unknown.length, "anomaly", "anomalies")}: ${first.unjudged}` };
  }
  if (!watching.ready.length && watching.unjudged.length) return { word: "Not judged", tone: "quiet", why: watching.unjudged[0] ?? "" };
  if (!watching.ready.length && watching.learning.length) {
    return { word: "Learning", tone: "quiet", why: "the models do not know yet what is normal" };
  }
  if (!watching.ready.length) return { word: "No anomalies", tone: "quiet", why: "no model has told of one yet" };
  if (page === INCOMPLETE) return { word: "Not judged", tone: "quiet", why: "the numbers are not complete" };
  if (silent >= MUTE_MS) return { word: "Not judged", tone: "quiet", why: `the predictor has said nothing for ${duration(silent)}` };
  const rest = watching.unjudged.length ? `; ${watching.unjudged.length} series not judged` : "";
  return { word: "Healthy", tone: "good", why: `no open anomaly${rest}` };
}

/** How long the predictor has said nothing, where it is known to speak: a forecast of the next minutes is made each minute. */
export function silence(insights: Iterable<InsightEvent>, now: number): number {
  const forecasts = [...insights].filter((one) => one.kind === "forecast" && typeof one.horizon_ms === "number");
  const nearest = Math.min(...forecasts.map((one) => one.horizon_ms as number));
  const newest = Math.max(...forecasts.filter((one) => one.horizon_ms === nearest).map((one) => one.at));
  return forecasts.length ? Math.max(0, now - newest) : 0;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
