/** A forecast in a chart of lines: its mean and bands, where the present ends, and the threshold. Pure. */
import type { Annotation, Data, Shape } from "plotly.js";
import { inWords, type Scale, suffix } from "../model/format.ts";
import { verbatim } from "../model/names.ts";
import { alpha, type Canvas, colourOf } from "./canvas.ts";
import type { ChartLine } from "./chart-lines.ts";
import type { Palette } from "./palette.ts";

export interface Forecast {
  line: ChartLine;
  /** `[epoch_ms, mean, lower, upper]`, then lower and upper of the outer interval where there is one. */
  points: number[][];
  interval: number;
  outer: number | null;
  learning: boolean;
  threshold: number | null;
}

const INNER_OPACITY = 0.2;
const OUTER_OPACITY = 0.09;

/** Of the window, how much future a forecast gets; and as much at most where its points are so far apart that this would be no line. */
const AHEAD = 0.3;
const MOST_AHEAD = 0.6;
const LEAST_POINTS = 4;

/** The points of a forecast that are drawn beside a window of `spanMs`, or up to `ahead` ms; none where they would be no line. */
export function futureOf(points: readonly number[][], now: number, spanMs: number, ahead: number | null): number[][] {
  const until = (ms: number) => points.filter((point) => (point[0] as number) <= now + ms);
  const future = until(ahead ?? spanMs * AHEAD);
  if (ahead === null && future.length < LEAST_POINTS) {
    const further = until(spanMs * MOST_AHEAD).slice(0, LEAST_POINTS);
    return further.length > 1 ? further : [];
  }
  return future.length > 1 ? future : [];
}

/** Both bands, then the mean: dotted, and dashed while the model still learns. */
export function forecastTraces(forecast: Forecast, points: number[][], { scale, colours, limit, floor }: Canvas): Data[] {
  const x = points.map((point) => point[0] as number);
  const column = (i: number) => points.map((point) => Math.min(limit, Math.max(floor, point[i] ?? (point[2] as number))) * scale.factor);
  const colour = colourOf(forecast.line, colours);
  const faint = forecast.learning ? 0.6 : 1;
  const edge = { type: "scatter", mode: "lines", x, line: { width: 0 }, hoverinfo: "skip" };
  const band = (lower: number, upper: number, opacity: number) => [
    { ...edge, y: column(lower) } as Data,
    { ...edge, y: column(upper), fill: "tonexty", fillcolor: alpha(colour, opacity * faint) } as Data,
  ];
  const outer = points.every((point) => point.length >= 6);
  return [
    ...(outer ? band(4, 5, OUTER_OPACITY) : []),
    ...band(2, 3, INNER_OPACITY),
    {
      type: "scatter",
      mode: "lines",
      name: forecast.learning ? "forecast, learning" : "forecast",
      x,
      y: column(1),
      text: points.map((point) => ranges(forecast, point, scale, limit, floor)),
      line: { color: colour, width: 1.75, dash: forecast.learning ? "dash" : "dot" },
      hovertemplate: `%{y:,.3~r}${verbatim(suffix(scale))} %{text}`,
    } as Data,
  ];
}

function ranges(forecast: Forecast, point: number[], scale: Scale, limit: number, floor: number): string {
  const number = (value: number) => String(Number((Math.min(limit, Math.max(floor, value)) * scale.factor).toPrecision(3)));
  return `(${Math.round(forecast.interval * 100)} %: ${number(point[2] as number)}–${number(point[3] as number)})`;
}

export function nowLine(now: number, colours: Palette): Partial<Shape> {
  return { type: "line", xref: "x", yref: "paper", x0: now, x1: now, y0: 0, y1: 1, line: { color: colours.muted, width: 1, dash: "dot" } };
}

/** Where the line must not get: dashed, over the whole width, with its value. */
export function thresholdLine(threshold: number, unit: string, canvas: Canvas): Mark {
  return levelLine({ value: threshold, word: "threshold", tone: "bad" }, unit, canvas);
}

/** Where the words of a limit stand: limits that lie near each other have theirs beside each other. */
const PLACES = {
  bad: { x: 0, xanchor: "left", xshift: 4 },
  warn: { x: 0.5, xanchor: "center", xshift: 0 },
  good: { x: 1, xanchor: "right", xshift: -4 },
} as const;

interface Mark {
  shape: Partial<Shape>;
  word: Partial<Annotation>;
}

/** A limit in its colour, with its name and value. */
export function levelLine({ value, word, tone }: { value: number; word: string; tone: "good" | "warn" | "bad" }, unit: string, { scale, colours }: Canvas): Mark {
  const y = value * scale.factor;
  const color = colours[tone];
  return {
    shape: { type: "line", xref: "paper", yref: "y", x0: 0, x1: 1, y0: y, y1: y, line: { color, width: 1, dash: "dash" } },
    word: {
      xref: "paper",
      ...PLACES[tone],
      y,
      yanchor: "top",
      text: verbatim(`${word} ${inWords(value, unit)}`),
      showarrow: false,
      font: { color, size: 11 },
    },
  };
}
