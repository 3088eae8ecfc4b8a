/**
 * Which of a series' forecasts is shown, and how the forecasts before it came out. Pure.
 *
 * Several forecasts of one series stand side by side, one for each horizon: near ones know more, far ones reach further. What
 * is shown of them is the nearest that reaches as far as what is looked at.
 */
import type { ForecastEvent, InsightEvent } from "./board.ts";
import type { ForecastScore } from "./contracts.ts";
import { clockTime, counted, dayAndTime, NONE } from "./format.ts";

/** Points are middles of steps: a forecast of 15 minutes may end some seconds short of them. */
const SLACK = 0.9;
const DAY_MS = 86_400_000;
/** A bias below this part of the error is not worth a word. */
const NO_BIAS = 0.05;

export interface Ahead {
  insight: ForecastEvent;
  /** `[epoch_ms, mean, lower, upper]` and, where it has an outer interval, that one's lower and upper; from now on. */
  points: number[][];
  horizon: number;
}

/** How far a forecast looks; of producers that do not say, as far as its points reach. */
export function horizonOf(insight: ForecastEvent): number {
  return insight.horizon_ms ?? (insight.points?.at(-1)?.[0] ?? insight.at) - insight.at;
}

/** The nearest of `horizons` that reaches `spanMs`, else the furthest; `null` where there is none. */
export function fitting(spanMs: number, horizons: readonly number[]): number | null {
  const sorted = [...horizons].sort((a, b) => a - b);
  return sorted.find((horizon) => horizon >= spanMs * SLACK) ?? sorted.at(-1) ?? null;
}

/** The forecasts of `series` that still say something about the future, the nearest first. */
export function forecasts(insights: Iterable<InsightEvent>, series: string, now: number): Ahead[] {
  const result: Ahead[] = [];
  for (const one of insights) {
    if (one.kind !== "forecast" || one.series !== series || !one.points) continue;
    const points = one.points.filter((point) => point.length >= 4 && (point[0] as number) > now);
    if (points.length > 1) result.push({ insight: one, points, horizon: horizonOf(one) });
  }
  return result.sort((a, b) => a.horizon - b.horizon);
}

/** That of {@link forecasts} which {@link fitting} chooses. */
export function chosen(result: readonly Ahead[], spanMs: number): Ahead | null {
  const horizon = fitting(spanMs, result.map((one) => one.horizon));
  return result.find((one) => one.horizon === horizon) ?? null;
}

/** The horizons of all forecasts of totals, ascending; those that read alike (`15 min`) are one. */
export function horizonsOf(insights: Iterable<InsightEvent>): number[] {
  const result = new Map<number, number>();
  for (const one of insights) {
    if (one.kind !== "forecast" || isPart(one)) continue;
    const horizon = horizonOf(one);
    if (horizon > 0) result.set(Math.round(horizon / 60_000), horizon);
  }
  return [...result.values()].sort((a, b) => a - b);
}

/** The far end of a forecast. */
export interface Outlook {
  insight: ForecastEvent;
  minutes: number;
  point: number[];
  horizon: number;
}

/** Where the forecasts of totals end, of each the one that fits `spanMs`. */
export function outlook(insights: readonly InsightEvent[], now: number, spanMs: number): Outlook[] {
  const series = new Set(insights.filter((one) => one.kind === "forecast" && !isPart(one)).map((one) => one.series));
  const result: Outlook[] = [];
  for (const name of [...series].sort()) {
    const ahead = chosen(insights.filter((one) => one.series === name).flatMap((one) => ends(one)), spanMs);
    const point = ahead?.points[0];
    if (!ahead || !point) continue;
    const minutes = Math.round(((point[0] as number) - now) / 60_000);
    if (minutes >= 1) result.push({ insight: ahead.insight, minutes, point, horizon: ahead.horizon });
  }
  return result;
}

function ends(one: InsightEvent): Ahead[] {
  if (one.kind !== "forecast") return [];
  const last = one.points?.at(-1);
  return last && last.length >= 4 ? [{ insight: one, points: [last], horizon: horizonOf(one) }] : [];
}

function isPart(insight: ForecastEvent): boolean {
  return Object.keys(insight.labels ?? {}).length > 0;
}

/** Forecasts that have a score, or whose model was benched: totals first, series by series, the nearest horizon first. */
export function scored(insights: Iterable<InsightEvent>): ForecastEvent[] {
  return [...insights]
    .filter((one) => one.kind === "forecast")
    .filter((one) => one.standing?.marked || one.benched)
    .sort((a, b) => Number(isPart(a)) - Number(isPart(b)) || a.series.localeCompare(b.series) || horizonOf(a) - horizonOf(b));
}

/** Forecasts that keep score and have none yet: how many, of how many series, and when the first and the last will have one. */
export interface Unscored {
  forecasts: number;
  series: number;
  first: number | null;
  last: number | null;
}

/** `null` where every one is {@link scored}. */
export function unscored(insights: Iterable<InsightEvent>): Unscored | null {
  const waiting = [...insights].filter((one) => one.kind === "forecast").filter((one) => one.horizon_ms && !one.standing?.marked && !one.benched);
  if (!waiting.length) return null;
  const known = waiting.flatMap((one) => one.scored_at ?? []);
  return {
    forecasts: waiting.length,
    series: new Set(waiting.map((one) => one.series)).size,
    first: known.length ? Math.min(...known) : null,
    last: known.length === waiting.length ? Math.max(...known) : null,
  };
}

/** `28 forecasts of 14 series are not scored yet: the first will be at 14:32, all by 12 Nov, 09:30.` */
export function unscoredInWords({ forecasts, series, first, last }: Unscored, now: number): string {
  const at = (moment: number) => (moment - now < DAY_MS / 2 ? clockTime(moment) : dayAndTime(moment));
  const one = forecasts === 1;
  const waiting = `${counted(forecasts, "forecast")} of ${counted(series, "series", "series")} ${one ? "is" : "are"} not scored yet`;
  if (first === null) return `${waiting}: a forecast is compared with what happened once its time has come.`;
  if (first <= now) return last === null || last <= now ? `${waiting}, but will be within minutes.` : `${waiting}: all will be by ${at(last)}.`;
  if (one || first === last) return `${waiting}, but will be at ${at(first)}.`;
  return `${waiting}: the first will be at ${at(first)}${last === null ? "" : `, all by ${at(last)}`}.`;
}

export interface Verdict {
  text: string;
  tone: "good" | "warn" | "";
}

/** `12 % better`: the mean absolute error against that of the seasonal naive forecast of the same values. */
export function againstNaive(standing: ForecastScore): Verdict {
  const { mae, naive_mae, marked } = standing;
  if (!marked) return { text: NONE, tone: "" };
  if (naive_mae <= 0) return mae <= 0 ? { text: "as good", tone: "" } : { text: "worse", tone: "warn" };
  const gain = Math.round((1 - mae / naive_mae) * 100);
  if (gain === 0) return { text: "as good", tone: "" };
  return gain > 0 ? { text: `${gain} % better`, tone: "good" } : { text: `${-gain} % worse`, tone: "warn" };
}

/**
 * The share of values that lay in the interval, and whether that is what `aim` promises. It is not where half as many or one
 * and a half times as many missed it, and chance (two standard errors of a share) does not explain that.
 */
export function held(share: number, aim: number, marked: number): Verdict & { word: string } {
  const text = marked ? `${Math.round(share * 1000) / 10} %` : NONE;
  const tolerance = Math.max((1 - aim) / 2, 2 * Math.sqrt((aim * (1 - aim)) / Math.max(1, marked)));
  if (!marked || Math.abs(share - aim) <= tolerance + 1e-9) return { text, tone: "", word: "" };
  return share < aim ? { text, tone: "warn", word: "too narrow" } : { text, tone: "warn", word: "too wide" };
}

/** Which way the forecasts miss on the whole; `null` where that is little beside how much they miss. */
export function leaning(standing: ForecastScore): "too high" | "too low" | null {
  if (!standing.marked || Math.abs(standing.bias) <= standing.mae * NO_BIAS) return null;
  return standing.bias > 0 ? "too high" : "too low";
}
