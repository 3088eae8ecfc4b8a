/** The state of a dashboard in one word, by its incidents and by what is known at all. Pure. */
import type { InsightEvent } from "./board.ts";
import { duration, inWords } from "./format.ts";
import { CATCHING_UP, type Incident, together } from "./incidents.ts";
import type { Watching } from "./watching.ts";

/** A predictor that made forecasts each minute and is silent for this long evaluates nothing either. */
export const MUTE_MS = 300_000;

export interface Health {
  word: string;
  tone: "good" | "warn" | "bad" | "quiet";
  why: string;
}

/** What models do not know: what nobody would call healthy, however usual it is here. */
export interface Beyond {
  tone: "warn" | "bad";
  /** `request latency p95 34.0 s, limit 10 s` */
  text: string;
}

export interface Context {
  /** All incidents as {@link together} has them, with those that are over. */
  groups?: readonly (readonly Incident[])[];
  limits?: readonly Beyond[];
}

/** From where on a number is not healthy, and how many requests it must be of. */
const LIMITS = [
  { reading: "request_duration_ms.p95", name: "request latency p95", unit: "ms", warn: 10_000, bad: 30_000 },
  { reading: "requests.error_rate", name: "request errors", unit: "share", warn: 0.05, bad: 0.25 },
] as const;
const LEAST_REQUESTS = 20;

/** Which of the {@link LIMITS} are exceeded now; `windowOf`: the seconds that a number is of. */
export function beyond(valueOf: (reading: string) => number | null, windowOf: (reading: string) => number | null): Beyond[] {
  return LIMITS.flatMap(({ reading, name, unit, warn, bad }): Beyond[] => {
    const value = valueOf(reading);
    const seen = (valueOf("requests.rate") ?? 0) * (windowOf(reading) ?? 0);
    if (value === null || value < warn || seen < LEAST_REQUESTS) return [];
    const grave = value >= bad;
    return [{ tone: grave ? "bad" : "warn", text: `${name} ${inWords(value, unit)}, limit ${inWords(grave ? bad : warn, unit)}` }];
  });
}

/** The states of the connection under which numbers are evaluated; {@link INCOMPLETE} numbers can only show what is wrong. */
const INCOMPLETE = "incomplete";
const EVALUATED = new Set(["live", "paused", INCOMPLETE]);

/**
 * The dashboard in one word; `current` is what stands now, {@link standing}. Only what is evaluated makes it healthy or unhealthy. `page`
 * is the word of {@link status}: numbers that are old, or still being read, are not evaluated. `silent`: {@link silence}.
 */
export function health(current: readonly Incident[], watching: Watching, page = "live", silent = 0, { groups = together(current), limits = [] }: Context = {}): Health {
  if (page === "catching up") return { word: "Catching up", tone: "quiet", why: "the recent past is still being read" };
  if (!EVALUATED.has(page)) return { word: "Unknown", tone: "quiet", why: "there are no new numbers" };
  const open = current.filter((incident) => incident.open && !incident.unjudged);
  const critical = open.filter((incident) => incident.severity === "critical").length;
  const incidents = counted(groups.filter((group) => group.some((one) => open.includes(one))).length, "open incident", "open incidents");
  const beyond = limits.map((limit) => limit.text);
  const why = [...(open.length ? [incidents] : []), ...beyond].join("; ");
  if (critical || limits.some((limit) => limit.tone === "bad")) return { word: "Unhealthy", tone: "bad", why };
  if (open.length || limits.length) return { word: "Degraded", tone: "warn", why };
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
