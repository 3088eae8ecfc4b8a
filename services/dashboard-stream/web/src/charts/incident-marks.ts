/** Incidents in a chart of lines: their spans, the bands that were expected, and marks with words. Pure. */
import type { Annotation, Data, Shape } from "plotly.js";
import { about, confidence, happens, short } from "../model/anomaly.ts";
import type { Incident } from "../model/incidents.ts";
import { alpha, type Canvas, colourOf } from "./canvas.ts";
import type { ChartLine, ChartLines } from "./chart-lines.ts";
import type { Palette } from "./palette.ts";
import type { PointedMark } from "./pointed.ts";

const SPAN_OPACITY = 0.1;
const BAND_OPACITY = 0.22;
/** More labels than this hide the lines; the others are shown on hover. */
const MOST_WORDS = 3;
/** Likewise with the bands of what was expected. */
const MOST_BANDS = 3;
/** Words stand where the line is not: before a rise above it, after one below it; so many pixels off the mark. */
const BESIDE_PX = 12;
/** Of the axis, what a word takes at most. */
const WORD_SHARE = 0.35;

/** Spans of incidents within the window; those that overlap are one span of the graver kind. */
export function spans(chart: ChartLines, incidents: readonly Incident[], colours: Palette): Partial<Shape>[] {
  const result = incidents
    .map((one) => ({ from: Math.max(one.since, chart.from), to: one.open ? (chart.played ?? chart.now) : one.until, grave: one.gravest === "critical" }))
    .filter((span) => span.to >= chart.from && span.from <= chart.now)
    .sort((a, b) => a.from - b.from);
  const merged: typeof result = [];
  for (const span of result) {
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
  const result: Expected[] = [];
  const graver = [...incidents].sort((a, b) => Number(b.severity === "critical") - Number(a.severity === "critical"));
  for (const { open, insight, since } of graver) {
    const line = chart.lines.find((one) => one.series === insight.series);
    if (!open || !line || typeof insight.lower !== "number" || typeof insight.upper !== "number") continue;
    if (typeof insight.unit === "string") continue; // a band of something else than the line
    result.push({ line, from: Math.max(since, chart.from), lower: insight.lower, upper: insight.upper, middle: insight.expected ?? null });
  }
  return result.slice(0, MOST_BANDS);
}

/** The bands of {@link expectations}, from where each incident began until now. */
export function expectedBands(expected: readonly Expected[], { chart, scale, colours, limit, floor }: Canvas): Partial<Shape>[] {
  return expected.flatMap(({ line, from, lower, upper, middle }) => {
    const colour = colourOf(line, colours);
    const span = { xref: "x", yref: "y", x0: from, x1: chart.played ?? chart.now, layer: "below" } as const;
    const band: Partial<Shape> = {
      ...span,
      type: "rect",
      y0: Math.max(floor, lower) * scale.factor,
      y1: Math.min(limit, upper) * scale.factor,
      fillcolor: alpha(colour, BAND_OPACITY),
      line: { width: 0 },
    };
    if (middle === null) return [band];
    const y = Math.min(limit, middle) * scale.factor;
    return [band, { ...span, type: "line", y0: y, y1: y, line: { color: colour, width: 1, dash: "dot" } }];
  });
}

interface Mark {
  x: number;
  y: number;
  symbol: "triangle-up" | "triangle-down" | "diamond";
  up: boolean;
  grave: boolean;
  /** Beside the mark, and, in lines, where one points at it. */
  word: string;
  text: string[];
}

/** A triangle where an incident on a line of this chart began, a diamond where it escalated; the newest are labelled. */
export function markers(incidents: readonly Incident[], canvas: Canvas): { data: Data[]; words: Partial<Annotation>[]; pointed: PointedMark[] } {
  const { chart, to, colours } = canvas;
  const result = incidents.flatMap((incident) => marksOf(incident, canvas)).sort((a, b) => b.x - a.x);
  if (!result.length) return { data: [], words: [], pointed: [] };
  const colour = (mark: Mark) => (mark.grave ? colours.bad : colours.warn);
  const data = {
    type: "scatter",
    mode: "markers",
    name: "anomaly",
    x: result.map((one) => one.x),
    y: result.map((one) => one.y),
    marker: {
      symbol: result.map((one) => one.symbol),
      size: 10,
      color: result.map(colour),
      line: { width: 1.5, color: colours.surface },
    },
    cliponaxis: false,
    hoverinfo: "skip",
  } as Data;
  // Where the past is a sliver beside a long forecast, words would cover it.
  const room = to - chart.now <= chart.now - chart.from ? MOST_WORDS : 0;
  const words = result.slice(0, room).map((mark): Partial<Annotation> => {
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
  return { data: [data], words, pointed: result.map((one) => ({ x: one.x, text: one.text })) };
}

function marksOf(incident: Incident, { chart, scale }: Canvas): Mark[] {
  const { insight, since, open, stays } = incident;
  const line = chart.lines.find((one) => one.series === insight.series);
  if (!line) return [];
  const up = insight.direction !== "down";
  const grew = insight.escalated_at === undefined ? "" : `escalated to ${incident.gravest}`;
  const subject = about(insight);
  const begins = subject.charAt(0).toUpperCase() + subject.slice(1);
  const text = [begins, happens(insight, !open && !stays), stays ? "not recovered: the new normal" : "", confidence(insight), grew].filter(Boolean);
  const marks: Mark[] = [];
  const put = (at: number, symbol: Mark["symbol"], grave: boolean, word: string, description: string[]) => {
    const place = at < chart.from ? null : near(line, at);
    if (place) marks.push({ x: place[0], y: place[1] * scale.factor, symbol, up, grave, word, text: description });
  };
  const begun = up ? "triangle-up" : "triangle-down";
  // What escalated began less severe; what is resolved shows its highest severity.
  const grave = incident.gravest === "critical" && insight.escalated_at === undefined;
  put(since, begun, grave, `${short(insight)}, ${grave ? "critical" : incident.gravest === "info" ? "info" : "warning"}`, text);
  if (insight.escalated_at !== undefined) {
    put(insight.escalated_at, "diamond", incident.gravest === "critical", grew, text);
  }
  if (!marks.length && open && since < chart.from) {
    const place = near(line, chart.from);
    const word = `${short(insight)}, ${incident.severity}`;
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
