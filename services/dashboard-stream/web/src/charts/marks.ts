/**
 * What models say, drawn into a chart of lines: spans of incidents with what was expected, marks with words, forecasts with
 * their bands, a threshold. Pure.
 */
import type { Annotation, Data, Shape } from "plotly.js";
import { about, confidence, happens, short } from "../model/anomaly.ts";
import type { ChartLine, ChartLines } from "./chart-lines.ts";
import { inWords, type Scale, suffix } from "../model/format.ts";
import type { Incident } from "../model/insights.ts";
import { verbatim } from "../model/names.ts";
import type { Palette } from "../shell/theme.ts";

export interface Forecast {
  line: ChartLine;
  /** `[epoch_ms, mean, lower, upper]`, then lower and upper of the outer interval where there is one. */
  points: number[][];
  interval: number;
  outer: number | null;
  learning: boolean;
  threshold: number | null;
}

/** What all drawing here needs to know. `to`: where the axis ends; `limit`: what values cannot exceed. */
export interface Canvas {
  chart: ChartLines;
  to: number;
  scale: Scale;
  colours: Palette;
  limit: number;
}

const SPAN_OPACITY = 0.1;
const BAND_OPACITY = 0.22;
const INNER_OPACITY = 0.2;
const OUTER_OPACITY = 0.09;
/** More words than this in one chart hide what they speak of; the others are told where one points. */
const MOST_WORDS = 3;
/** Likewise with the bands of what was expected. */
const MOST_BANDS = 3;
/** Words stand where the line is not: before a rise above it, after one below it; so many pixels off the mark. */
const BESIDE_PX = 12;
/** Of the axis, what a word takes at most. */
const WORD_SHARE = 0.35;

/** Both bands, then the mean: dotted, and dashed while the model still learns. */
export function forecastTraces(forecast: Forecast, points: number[][], { scale, colours, limit }: Canvas): Data[] {
  const x = points.map((point) => point[0] as number);
  const column = (i: number) => points.map((point) => Math.min(limit, Math.max(0, point[i] ?? (point[2] as number))) * scale.factor);
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
      text: points.map((point) => ranges(forecast, point, scale)),
      line: { color: colour, width: 1.75, dash: forecast.learning ? "dash" : "dot" },
      hovertemplate: `%{y:,.3~r}${suffix(scale)} %{text}`,
    } as Data,
  ];
}

function ranges(forecast: Forecast, point: number[], scale: Scale): string {
  const said = (value: number) => String(Number((Math.max(0, value) * scale.factor).toPrecision(3)));
  return `(${Math.round(forecast.interval * 100)} %: ${said(point[2] as number)}–${said(point[3] as number)})`;
}

/** Spans of incidents within the window; those that overlap are one span of the graver kind. */
export function spans(chart: ChartLines, incidents: readonly Incident[], colours: Palette): Partial<Shape>[] {
  const found = incidents
    .map((one) => ({ from: Math.max(one.since, chart.from), to: one.open ? chart.now : one.until, grave: one.gravest === "critical" }))
    .filter((span) => span.to >= chart.from && span.from <= chart.now)
    .sort((a, b) => a.from - b.from);
  const merged: typeof found = [];
  for (const span of found) {
    const last = merged.at(-1);
    if (last && span.from <= last.to) {
      last.to = Math.max(last.to, span.to);
      last.grave ||= span.grave;
    } else merged.push({ ...span });
  }
  return merged.map((span) => {
    const colour = span.grave ? colours.bad : colours.warn;
    return {
      type: "rect",
      xref: "x",
      yref: "paper",
      x0: span.from,
      x1: Math.max(span.to, span.from + (chart.now - chart.from) / 200),
      y0: 0,
      y1: 1,
      fillcolor: alpha(colour, SPAN_OPACITY),
      line: { color: alpha(colour, 0.5), width: 1 },
      layer: "below",
    };
  });
}

/** An open incident whose line is drawn here, with the band in which its values were expected. */
export interface Expected {
  line: ChartLine;
  from: number;
  lower: number;
  upper: number;
  middle: number | null;
}

/** Of the gravest open incidents first. */
export function expectations(chart: ChartLines, incidents: readonly Incident[]): Expected[] {
  const found: Expected[] = [];
  const graver = [...incidents].sort((a, b) => Number(b.severity === "critical") - Number(a.severity === "critical"));
  for (const { open, told, since } of graver) {
    const line = chart.lines.find((one) => one.series === told.series);
    if (!open || !line || typeof told.lower !== "number" || typeof told.upper !== "number") continue;
    if (typeof told.unit === "string") continue; // a band of something else than the line
    found.push({ line, from: Math.max(since, chart.from), lower: told.lower, upper: told.upper, middle: told.expected ?? null });
  }
  return found.slice(0, MOST_BANDS);
}

/** The bands of {@link expectations}, from where each incident began until now. */
export function expectedBands(expected: readonly Expected[], { chart, scale, colours }: Canvas): Partial<Shape>[] {
  return expected.flatMap(({ line, from, lower, upper, middle }) => {
    const colour = colourOf(line, colours);
    const span = { xref: "x", yref: "y", x0: from, x1: chart.now, layer: "below" } as const;
    const band: Partial<Shape> = {
      ...span,
      type: "rect",
      y0: Math.max(0, lower) * scale.factor,
      y1: upper * scale.factor,
      fillcolor: alpha(colour, BAND_OPACITY),
      line: { width: 0 },
    };
    if (middle === null) return [band];
    const y = middle * scale.factor;
    return [band, { ...span, type: "line", y0: y, y1: y, line: { color: colour, width: 1, dash: "dot" } }];
  });
}

interface Mark {
  x: number;
  y: number;
  symbol: "triangle-up" | "triangle-down" | "diamond";
  up: boolean;
  grave: boolean;
  /** Beside the mark, and where one points at it. */
  word: string;
  text: string;
}

/** A triangle where an incident on a line of this chart began, a diamond where it grew graver; the newest in words. */
export function markers(incidents: readonly Incident[], canvas: Canvas): { data: Data[]; words: Partial<Annotation>[] } {
  const { chart, to, colours } = canvas;
  const found = incidents.flatMap((incident) => marksOf(incident, canvas)).sort((a, b) => b.x - a.x);
  if (!found.length) return { data: [], words: [] };
  const colour = (mark: Mark) => (mark.grave ? colours.bad : colours.warn);
  const data = {
    type: "scatter",
    mode: "markers",
    name: "anomaly",
    x: found.map((one) => one.x),
    y: found.map((one) => one.y),
    text: found.map((one) => one.text),
    marker: {
      symbol: found.map((one) => one.symbol),
      size: 10,
      color: found.map(colour),
      line: { width: 1.5, color: colours.surface },
    },
    cliponaxis: false,
    hovertemplate: "%{text}<extra></extra>",
  } as Data;
  // Where the past is a sliver beside a long forecast, words would cover it.
  const room = to - chart.now <= chart.now - chart.from ? MOST_WORDS : 0;
  const words = found.slice(0, room).map((mark): Partial<Annotation> => {
    const before = mark.x - chart.from > (to - chart.from) * WORD_SHARE;
    return {
      x: mark.x,
      y: mark.y,
      text: mark.word,
      showarrow: false,
      xanchor: before ? "right" : "left",
      xshift: before ? -7 : 7,
      yshift: before === mark.up ? BESIDE_PX : -BESIDE_PX,
      font: { color: colour(mark), size: 11 },
      bgcolor: alpha(colours.surface, 0.9),
      borderpad: 1,
    };
  });
  return { data: [data], words };
}

function marksOf(incident: Incident, { chart, scale }: Canvas): Mark[] {
  const { told, since, open, stays } = incident;
  const line = chart.lines.find((one) => one.series === told.series);
  if (!line) return [];
  const up = told.direction !== "down";
  const grew = told.escalated_at === undefined ? "" : `escalated to ${incident.gravest}`;
  // In lines: where one points at a mark, Plotly cuts what is wider than the chart.
  const subject = verbatim(about(told));
  const begins = subject.charAt(0).toUpperCase() + subject.slice(1);
  const text = [begins, happens(told, !open && !stays), stays ? "not recovered: the new normal" : "", confidence(told), grew].filter(Boolean).join("<br>");
  const marks: Mark[] = [];
  const put = (at: number, symbol: Mark["symbol"], grave: boolean, word: string, said: string) => {
    const place = at < chart.from ? null : near(line, at);
    if (place) marks.push({ x: place[0], y: place[1] * scale.factor, symbol, up, grave, word, text: said });
  };
  const begun = up ? "triangle-up" : "triangle-down";
  // What grew graver began less grave; what is over is told by the gravest it was.
  const grave = incident.gravest === "critical" && told.escalated_at === undefined;
  put(since, begun, grave, `${short(told)}, ${grave ? "critical" : incident.gravest === "info" ? "info" : "warning"}`, text);
  if (told.escalated_at !== undefined) {
    put(told.escalated_at, "diamond", incident.gravest === "critical", grew, text);
  }
  if (!marks.length && open && since < chart.from) {
    const place = near(line, chart.from);
    const word = `${short(told)}, ${incident.severity}`;
    if (place) marks.push({ x: place[0], y: place[1] * scale.factor, symbol: begun, up, grave: incident.gravest === "critical", word, text });
  }
  return marks;
}

/** The point of `line` at or after `at`; where it has none, being silent, the last one before. */
function near(line: ChartLine, at: number): [number, number] | null {
  const { x, y } = line.points;
  const after = x.findIndex((time, i) => time >= at && y[i] !== null);
  const place = after >= 0 ? after : y.findLastIndex((value) => value !== null);
  return place >= 0 ? [x[place] as number, y[place] as number] : null;
}

export function nowLine(now: number, colours: Palette): Partial<Shape> {
  return { type: "line", xref: "x", yref: "paper", x0: now, x1: now, y0: 0, y1: 1, line: { color: colours.muted, width: 1, dash: "dot" } };
}

/** Where the line must not get: dashed, over the whole width, with its value. */
export function thresholdLine(threshold: number, unit: string, { scale, colours }: Canvas): { shape: Partial<Shape>; word: Partial<Annotation> } {
  const y = threshold * scale.factor;
  return {
    shape: { type: "line", xref: "paper", yref: "y", x0: 0, x1: 1, y0: y, y1: y, line: { color: colours.bad, width: 1, dash: "dash" } },
    word: {
      xref: "paper",
      x: 0,
      y,
      xanchor: "left",
      xshift: 4,
      yanchor: "top",
      text: `threshold ${inWords(threshold, unit)}`,
      showarrow: false,
      font: { color: colours.bad, size: 11 },
    },
  };
}

export function colourOf(line: ChartLine, colours: Palette): string {
  return line.slot < 0 ? colours.muted : (colours.series[line.slot % colours.series.length] as string);
}

/** `#rrggbb` with an opacity. */
export function alpha(colour: string, opacity: number): string {
  const part = (at: number) => Number.parseInt(colour.slice(at, at + 2), 16);
  return `rgba(${part(1)},${part(3)},${part(5)},${Math.round(opacity * 1000) / 1000})`;
}
