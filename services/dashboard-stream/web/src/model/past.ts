/**
 * A dashboard over a range of time, put together from stored answers instead of frames: which questions its readings are, and a board of
 * the answers, which the same panels draw. Its values are those of the whole range. Pure.
 */
import { Board, type InsightEvent } from "./board.ts";
import type { Entry } from "./catalogue.ts";
import type { AnswerSet, Question } from "./contracts.ts";
import { labelled } from "./names.ts";
import type { Bounds } from "./shown-time.ts";

/** One question of a reading: its total, or its values by one dimension. */
export interface Wanted {
  entry: Entry;
  label: string;
  question: Question;
}

/** Questions that are answered with points of the same width: one of `resolutions`, the finest first. */
export interface WantedSet {
  wanted: Wanted[];
  resolutions: string[];
}

/** Groups that are shown; the rest is together as `other`. */
const TOP = 12;
/** More points than this cannot be distinguished in a panel. */
const MOST_POINTS = 240;

export const STEPS_MS: Readonly<Record<string, number>> = {
  "1s": 1_000,
  "10s": 10_000,
  "30s": 30_000,
  "1m": 60_000,
  "5m": 300_000,
  "15m": 900_000,
  "30m": 1_800_000,
  "1h": 3_600_000,
  "3h": 10_800_000,
  "6h": 21_600_000,
  "12h": 43_200_000,
  "1d": 86_400_000,
};

/** Widths of a point that fit a range of `ms`, the finest first; none is finer than `least`. */
export function stepsFor(ms: number, least: string): string[] {
  const finest = STEPS_MS[least] ?? 1_000;
  const fit = Object.keys(STEPS_MS).filter((step) => (STEPS_MS[step] as number) >= finest && ms / (STEPS_MS[step] as number) <= MOST_POINTS);
  return fit.length ? fit : ["1d"];
}

/** What is to be asked for `entries` over `ms`. Running totals up to now are of no past. */
export function wantedOf(entries: readonly Entry[], ms: number): WantedSet[] {
  const sets = new Map<string, WantedSet>();
  for (const entry of entries) {
    if (entry.span) continue;
    // Metrics that somebody sends come once a minute or so: narrower points would be peaks with nothing between them.
    const least = entry.title === undefined ? (entry.resolution ?? "1s") : "1m";
    let set = sets.get(least);
    if (!set) sets.set(least, (set = { wanted: [], resolutions: stepsFor(ms, least) }));
    const question = { metric: entry.metric, aggregate: entry.field, ...(entry.filters ? { filters: entry.filters } : {}) };
    if (entry.total || !entry.labels.length) set.wanted.push({ entry, label: "", question });
    for (const label of entry.labels) set.wanted.push({ entry, label, question: { ...question, group_by: [label], top: TOP } });
  }
  return [...sets.values()];
}

/** The answer to each of `wanted`; `null` where a question was refused. */
export interface Answered {
  wanted: readonly Wanted[];
  answers: readonly (AnswerSet["answers"][number] | null)[];
  resolution: string;
  serviceNames: Readonly<Record<string, string>>;
}

/** A board of what was answered for `bounds`, read at `at`. `insights` are drawn as far as they are of that time. */
export function boardOf(answered: readonly Answered[], bounds: Bounds, at: number, problems: readonly string[]): Board {
  const board = new Board();
  const steps = new Map<string, string>();
  const names = new Map<string, string>();
  for (const { wanted, answers, resolution, serviceNames } of answered) {
    for (const [token, name] of Object.entries(serviceNames)) names.set(token, name);
    wanted.forEach(({ entry, label }, i) => {
      steps.set(entry.name, resolution);
      for (const series of answers[i]?.series ?? []) {
        const value = series.labels[label] ?? "";
        if (label && !value) continue;
        const name = label ? labelled(entry.name, label, value) : entry.name;
        board.values[name] = series.total;
        board.lines.set(name, { t: series.points.map(([time]) => time), v: series.points.map(([, number]) => number) });
      }
    });
  }
  board.serviceNames = names;
  board.problems = problems;
  board.epoch = `past ${bounds.from} ${bounds.to} ${at}`;
  board.frames = 1;
  board.ts = at;
  board.range = { ...bounds, steps, whole: true };
  return board;
}

/** Anomalies that were known of within `bounds`, as they are known now. */
export function insightsWithin(insights: Iterable<InsightEvent>, { from, to }: Bounds): InsightEvent[] {
  return [...insights].filter((one) => {
    if (one.kind === "forecast") return false;
    if (!("phase" in one) || !one.phase) return one.kind !== "anomaly" && one.at >= from && one.at <= to;
    return (one.since ?? one.at) <= to && one.at >= from;
  });
}
