/** Which forecast is drawn beside the lines of a chart. Pure. */
import type { InsightEvent } from "../model/board.ts";
import { type Ahead, chosen, forecasts } from "../model/forecasts.ts";
import { type ChartLine, weight } from "./chart-lines.ts";
import type { Forecast } from "./forecast-marks.ts";

/** A forecast of one line, as it is drawn, and what else there is of that line. */
export interface Shown {
  ahead: Ahead;
  drawn: Forecast;
  horizons: number[];
}

/** The forecast of the total, or of the largest line that has one: with more than one nothing could be read. */
export function forecastOf(lines: readonly ChartLine[], insights: Iterable<InsightEvent>, now: number, spanMs: number): Shown | null {
  const all = [...insights];
  const ranked = lines.some((line) => !line.series.includes("{")) ? lines : [...lines].sort((a, b) => weight(b) - weight(a));
  for (const line of ranked) {
    const result = forecasts(all, line.series, now);
    const ahead = chosen(result, spanMs);
    if (!ahead) continue;
    const { insight, points } = ahead;
    const drawn: Forecast = {
      line,
      points,
      interval: insight.interval ?? 0.9,
      outer: points.every((point) => point.length >= 6) ? (insight.outer_interval ?? null) : null,
      learning: insight.state === "learning",
      threshold: insight.breach?.threshold ?? null,
    };
    return { ahead, drawn, horizons: result.map((one) => one.horizon) };
  }
  return null;
}
