/** How each service is, in words: by its open incidents, and by how its numbers compare with those of its own last day. Pure. */
import type { AnswerSet, Question, QuestionAnswer, ServiceMapAnswer } from "./contracts.ts";
import { inWords } from "./format.ts";
import { beyond } from "./health.ts";
import type { Incident } from "./incidents.ts";
import { isOwn } from "./own-services.ts";

/** What is asked of the last minutes, and of the day before them. */
export const SERVICE_QUESTIONS: Question[] = [
  { metric: "requests", aggregate: "rate", group_by: ["service"], top: 100 },
  { metric: "requests", aggregate: "error_rate", group_by: ["service"], top: 100 },
  { metric: "request_duration_ms", aggregate: "p95", group_by: ["service"], top: 100 },
];

export interface Numbers {
  rate: number | null;
  errors: number | null;
  p95: number | null;
}

/** What is known of one range of time: metrics of requests, and for services that send spans alone, the service map. */
export interface Measured {
  answers: AnswerSet;
  map: ServiceMapAnswer;
}

export interface ServiceHealth {
  service: string;
  name: string;
  word: "Unhealthy" | "Degraded" | "Quiet" | "Healthy";
  tone: "bad" | "warn" | "quiet" | "good";
  now: Numbers;
  usual: Numbers;
  /** What is wrong, each as a clause; empty where nothing is. */
  why: string[];
}

/** So much more than on the day before is worth a word, and of so many requests at least. */
const TIMES = 2;
const LEAST_SHARE = 0.01;
const LEAST_REQUESTS = 20;

const ORDER = { bad: 0, warn: 1, quiet: 2, good: 3 };

/** The services with requests now or on the day before, the worst first; `seconds` is what `now` is of. */
export function serviceHealth(now: Measured, day: Measured, seconds: number, open: readonly Incident[]): ServiceHealth[] {
  const names = { ...day.map.service_names, ...day.answers.service_names, ...now.map.service_names, ...now.answers.service_names };
  const [current, usual] = [numbersOf(now), numbersOf(day)];
  const services = new Set([...current.keys(), ...usual.keys()].filter((one) => one !== "other"));
  const result = [...services].map((service) => one(service, names[service] ?? service, current.get(service), usual.get(service), seconds, open));
  return result.sort((a, b) => ORDER[a.tone] - ORDER[b.tone] || (b.now.rate ?? 0) - (a.now.rate ?? 0));
}

function one(service: string, name: string, now: Numbers = NOTHING, usual: Numbers = NOTHING, seconds: number, open: readonly Incident[]): ServiceHealth {
  const incidents = open.filter((incident) => incident.open && !incident.unjudged && incident.insight.labels?.["service"] === service);
  const critical = incidents.some((incident) => incident.severity === "critical");
  const why = incidents.length ? [incidents.length === 1 ? "1 open anomaly" : `${incidents.length} open anomalies`] : [];
  const requests = (now.rate ?? 0) * seconds;
  const limits = beyond((reading) => ({ "requests.rate": now.rate, "requests.error_rate": now.errors, "request_duration_ms.p95": now.p95 })[reading] ?? null, () => seconds);
  why.push(...limits.map((limit) => limit.text));
  if (requests >= LEAST_REQUESTS) {
    if (now.errors !== null && usual.errors !== null && now.errors >= TIMES * usual.errors && now.errors - usual.errors >= LEAST_SHARE)
      why.push(`${inWords(now.errors, "share")} of requests fail, ${inWords(usual.errors, "share")} in the last day`);
    if (now.p95 !== null && usual.p95 !== null && usual.p95 > 0 && now.p95 >= TIMES * usual.p95) why.push(`p95 ${inWords(now.p95, "ms")}, ${inWords(usual.p95, "ms")} in the last day`);
  }
  const said = { service, name, now, usual, why };
  if (critical || limits.some((limit) => limit.tone === "bad")) return { ...said, word: "Unhealthy", tone: "bad" };
  if (why.length) return { ...said, word: "Degraded", tone: "warn" };
  if (!requests) return { ...said, word: "Quiet", tone: "quiet", why: ["no requests in these minutes"] };
  return { ...said, word: "Healthy", tone: "good" };
}

const NOTHING: Numbers = { rate: null, errors: null, p95: null };

function numbersOf({ answers, map }: Measured): Map<string, Numbers> {
  const result = new Map<string, Numbers>();
  const fields = ["rate", "errors", "p95"] as const;
  answers.answers.forEach((answer: QuestionAnswer, place) => {
    const field = fields[place];
    if (!field) return;
    for (const { labels, total } of answer.series) {
      const service = labels["service"];
      if (service !== undefined) result.set(service, { ...(result.get(service) ?? NOTHING), [field]: total });
    }
  });
  for (const { kind, name, traffic } of map.nodes) {
    if (kind !== "service" || result.get(name)?.rate) continue;
    result.set(name, { rate: traffic.rate ?? 0, errors: traffic.error_rate ?? 0, p95: traffic.p95_ms ?? null });
  }
  return result;
}

/** The services that are watched, and apart from them those of Drishti itself. */
export function apart(services: readonly ServiceHealth[]): { watched: ServiceHealth[]; own: ServiceHealth[] } {
  return { watched: services.filter((one) => !isOwn(one.service)), own: services.filter((one) => isOwn(one.service)) };
}

/** `All 3 services are healthy.`, or which are not. */
export function inOneSentence(services: readonly ServiceHealth[]): string {
  const wrong = services.filter((one) => one.tone === "bad" || one.tone === "warn");
  const busy = services.filter((one) => one.tone !== "quiet").length;
  if (!services.length) return "No service has had requests in the last day.";
  if (wrong.length) return `${wrong.length} of ${services.length} ${services.length === 1 ? "service" : "services"} ${wrong.length === 1 ? "is" : "are"} not healthy: ${wrong.map((one) => one.name).join(", ")}.`;
  if (!busy) return "No service has requests now.";
  return busy === 1 ? "The service with requests is healthy." : `All ${busy} services with requests are healthy.`;
}
