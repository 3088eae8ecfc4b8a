/**
 * A chart as Plotly takes it: traces and layout, made anew for every drawing (Plotly writes into what it gets). Pure.
 *
 * Times are epoch milliseconds everywhere, ranges and shapes included; what the axis says is ours (`time-ticks.ts`).
 */
import type { Annotation, Data, Layout, Shape } from "plotly.js";
import type { ChartLine, ChartLines } from "./chart-lines.ts";
import { isShareOf } from "../model/catalogue.ts";
import { plain, type Scale, scaleFor, suffix, whole } from "../model/format.ts";
import type { Incident } from "../model/incidents.ts";
import { type Drawn, highest, lowest } from "./lines.ts";
import { barTrace, isBarred } from "./bars.ts";
import { alpha, type Canvas, colourOf } from "./canvas.ts";
import { expectations, expectedBands, markers, spans } from "./incident-marks.ts";
import { type Forecast, forecastTraces, futureOf, levelLine, nowLine, thresholdLine } from "./forecast-marks.ts";
import { verbatim } from "../model/names.ts";
import type { Palette } from "./palette.ts";
import type { PointedLine, PointedMark } from "./pointed.ts";
import { type Ticks, timeTicks } from "./time-ticks.ts";
import { valueTicks } from "./value-ticks.ts";
import { apart } from "./words.ts";

export interface Size {
  width: number;
  height: number;
}

export interface Figure {
  data: Data[];
  layout: Partial<Layout>;
  /** What is said where one points at it. */
  pointed?: { lines: PointedLine[]; marks: PointedMark[] };
}

const TICK_PX = 72;
/** They keep the order of what runs from right to left, and take no room. */
const ISOLATES = /[\u2066-\u2069]/g;
/** Of a mark on the axis of time, at most; what would not fit into the drawing is left out. */
const LETTER_PX = 6.2;
/** So that Plotly neither measures each label in every drawing, nor turns any: ours fit. */
const FITTING = { ticklabeloverflow: "allow", tickangle: 0 } as const;
/** How strong the lines of the period before are. */
export const FAINT = 0.45;
/** A wide band may make the axis so much longer than the lines and the mean need, not more: they are what is read. */
const BAND_ROOM = 1.5;
/** A threshold further up than this is out of sight: the axis would show nothing else. */
const THRESHOLD_ROOM = 1.6;

export interface Marks {
  incidents: Incident[];
  forecast: Forecast | null;
  /** How far to look ahead; without it as far as {@link futureOf} says. */
  ahead: number | null;
  /** Limits that somebody set, which are drawn wherever they are. */
  levels?: Level[];
  bands?: readonly Band[];
  /** How the lines are drawn. */
  style?: Style;
  /** Which period the faint lines are of, in words. */
  before?: string | undefined;
}

export type Style = "line" | "area" | "stacked" | "bars";

/** A range of values, coloured over the whole width; an end that is missing is where the axis ends. */
export interface Band {
  lower?: number | null;
  upper?: number | null;
  word: string;
  tone: Level["tone"];
}

/** A line over the whole width: what should be reached, or where it begins to be bad. */
export interface Level {
  value: number;
  word: string;
  tone: "good" | "warn" | "bad";
}

/** What a KPI should reach, and from where on it is a warning and bad. */
export function levelsOf({ target, warn, bad }: { target?: number; warn?: number; bad?: number }): Level[] {
  const levels: Level[] = [];
  if (target !== undefined) levels.push({ value: target, word: "target", tone: "good" });
  if (warn !== undefined) levels.push({ value: warn, word: "warning from", tone: "warn" });
  if (bad !== undefined) levels.push({ value: bad, word: "bad from", tone: "bad" });
  return levels;
}

/** Lines with what models say about them. `unit` is that of the lines, `range` a fixed one. */
export function lineFigure(chart: ChartLines, marks: Marks, unit: string, range: [number, number] | undefined, colours: Palette, size: Size): Figure {
  const { forecast } = marks;
  const future = forecast ? futureOf(forecast.points, chart.now, chart.now - chart.from, marks.ahead) : [];
  const end = (future.at(-1)?.[0] as number | undefined) ?? chart.now;
  const expected = expectations(chart, marks.incidents);
  const style = marks.style ?? "line";
  const stacked = style === "stacked" ? stackTop(chart.lines) : 0;
  const before = chart.lines.flatMap((line) => (line.before && (style !== "stacked" || !isStacked(line)) ? [{ line, points: line.before }] : []));
  const all = [...chart.lines.map((line) => line.points), ...before.map(({ points }) => points)];
  const lines = Math.max(stacked, highest(all), ...expected.map((one) => one.upper));
  const drawn = Math.max(lines, ...future.map((point) => point[1] as number));
  const bound = Math.max(drawn, Math.min(drawn * BAND_ROOM, Math.max(0, ...future.map((point) => point[3] as number))));
  const threshold = forecast && forecast.threshold !== null && forecast.threshold <= bound * THRESHOLD_ROOM ? forecast.threshold : null;
  const levels = marks.levels ?? [];
  const bands = marks.bands ?? [];
  const reached = Math.max(bound, threshold ?? 0, ...levels.map((level) => level.value), ...bands.flatMap((band) => [band.lower ?? 0, band.upper ?? 0]));
  const limit = limitOf(chart, unit, reached);
  const most = Math.min(limit, reached);
  const least = Math.min(lowest(all), ...levels.map((level) => level.value));
  const scale = scaleFor(unit, Math.max(most, -least));
  const canvas: Canvas = { chart, to: end, scale, colours, limit, floor: least < 0 ? -Infinity : 0 };
  const data: Data[] = [];
  if (forecast && future.length) data.push(...forecastTraces(forecast, future, canvas));
  for (const { line, points } of before) data.push(traceBefore(line, points, scale, colours));
  const barred = style === "bars" ? chart.lines.filter(isBarred) : [];
  for (const line of chart.lines) {
    const place = barred.indexOf(line);
    data.push(place < 0 ? trace(line, scale, colours, chart.lines.length, style) : barTrace(line, place, barred.length, scale, colours));
  }
  const shapes = [...spans(chart, marks.incidents, colours), ...expectedBands(expected, canvas)];
  if (future.length) shapes.push(nowLine(chart.now, colours));
  if (chart.played !== undefined) shapes.push(nowLine(chart.played, colours));
  const marked = markers(marks.incidents, canvas);
  data.push(...marked.data);
  const top = range ? range[1] * scale.factor : most <= 0 && least < 0 ? 0 : ceiling(most * scale.factor, limit * scale.factor);
  const layout = frame(chart.from, end, colours, size);
  const bottom = range ? range[0] * scale.factor : least < 0 ? -ceiling(-least * scale.factor) : 0;
  const ticks = valueTicks([bottom, top], verbatim(suffix(scale)), 5, range && ((range[1] - range[0]) * scale.factor) / 5);
  const longest = Math.max(...ticks.ticktext.map((text) => text.replace(ISOLATES, "").length));
  layout.margin = { ...layout.margin, l: Math.max(36, 12 + longest * 6.5) };
  const words: Partial<Annotation>[] = [];
  const limits = [...(threshold === null ? [] : [thresholdLine(threshold, unit, canvas)]), ...levels.map((level) => levelLine(level, unit, canvas))];
  for (const line of limits) {
    shapes.push(line.shape);
    words.push(line.word);
  }
  for (const band of bands) {
    const drawn = bandOf(band, [bottom, top], canvas);
    shapes.push(drawn.shape);
    words.push(drawn.word);
  }
  const { l = 0, r = 0, t = 0, b = 0 } = layout.margin;
  const ground = { width: size.width - l - r, height: size.height - t - b, from: chart.from, to: end, bottom, top };
  layout.annotations = apart([...words, ...marked.words], ground);
  layout.shapes = shapes;
  // Said beside the crosshair, the largest first: `plot-pointer.tsx`.
  layout.hovermode = false;
  layout.yaxis = {
    ...layout.yaxis,
    range: [bottom, top],
    tickmode: "array",
    ...ticks,
  };
  const say = (value: number) => plain(value) + suffix(scale);
  const pointed = chart.lines.map((line): PointedLine => {
    const { x, y } = line.points;
    return { title: line.title, colour: colourOf(line, colours), x, y, say: (value) => say(value * scale.factor) };
  });
  for (const { line, points } of before) {
    pointed.push({ title: `${line.title}, ${marks.before ?? "before"}`, colour: alpha(colourOf(line, colours), FAINT), x: points.x, y: points.y, say: (value) => say(value * scale.factor) });
  }
  if (forecast && future.length) pointed.push({ title: "forecast", colour: alpha(colourOf(forecast.line, colours), 0.5), ...forecastMeans(future), say: (value) => say(value * scale.factor) });
  return { data, layout, pointed: { lines: pointed, marks: marked.pointed } };
}

/** A band with its word, within the ends of the axis. */
function bandOf({ lower, upper, word, tone }: Band, [bottom, top]: [number, number], { scale, colours }: Canvas): { shape: Partial<Shape>; word: Partial<Annotation> } {
  const edge = (value: number | null | undefined, end: number) => Math.min(top, Math.max(bottom, typeof value === "number" ? value * scale.factor : end));
  const [y0, y1] = [edge(lower, bottom), edge(upper, top)];
  const color = colours[tone];
  return {
    shape: { type: "rect", xref: "paper", yref: "y", x0: 0, x1: 1, y0, y1, fillcolor: alpha(color, 0.12), line: { width: 0 }, layer: "below" },
    word: { xref: "paper", x: 1, xanchor: "right", xshift: -4, y: y1, yanchor: "top", text: verbatim(word), showarrow: false, font: { color, size: 11 } },
  };
}

function forecastMeans(future: readonly number[][]): { x: number[]; y: number[] } {
  return { x: future.map((point) => point[0] as number), y: future.map((point) => point[1] as number) };
}

/** What values cannot exceed: a share the whole, and per cent the hundred where they do not. */
function limitOf(chart: ChartLines, unit: string, reached: number): number {
  if (chart.lines.some((line) => isShareOf(line.entry))) return 1;
  return unit === "%" && reached <= 100 ? 100 : Infinity;
}

/** A row for each line, the largest at the top, a column for each window; darker is more. */
export function heatFigure(chart: ChartLines, colours: Palette, size: Size): Figure {
  const rows = [...chart.lines].sort((a, b) => (a.last ?? 0) - (b.last ?? 0) || b.title.localeCompare(a.title));
  const times = [...new Set(rows.flatMap((line) => line.points.x))].sort((a, b) => a - b);
  const place = new Map(times.map((at, i) => [at, i]));
  const z = rows.map((line) => {
    const row: (number | null)[] = times.map(() => null);
    line.points.x.forEach((at, i) => {
      row[place.get(at) as number] = line.points.y[i] ?? null;
    });
    return row;
  });
  const colorscale = colours.ramp.map((colour, i) => [i / (colours.ramp.length - 1), colour] as [number, string]);
  const layout = frame(chart.from, chart.now, colours, size);
  layout.margin = { ...layout.margin, l: Math.min(110, Math.max(60, ...rows.map((row) => 14 + row.title.length * 6.2))) };
  layout.hovermode = false;
  layout.yaxis = { ...layout.yaxis, type: "category", showgrid: false, autorange: true };
  if (layout.xaxis) layout.xaxis.showgrid = false;
  const data = {
    type: "heatmap",
    x: times,
    y: rows.map((line) => verbatim(line.title)),
    z,
    colorscale,
    zmin: 0,
    showscale: false,
    xgap: 2,
    ygap: 2,
  } as Data;
  // Of what there is at an instant, the largest first.
  const lines = rows.map((row, i): PointedLine => ({ title: row.title, colour: colours.ramp.at(-2) ?? colours.text, x: times, y: (z[i] as (number | null)[]).map((value) => value || null), say: (value) => (Number.isInteger(value) ? whole(value) : plain(value)) }));
  return { data: [data], layout, pointed: { lines, marks: [] } };
}

function frame(from: number, to: number, colours: Palette, size: Size): Partial<Layout> {
  const font = { family: "Inter, system-ui, 'Segoe UI', Roboto, sans-serif", size: 11, color: colours.muted };
  const fit = Math.floor((size.width - 56) / TICK_PX);
  const axis = { gridcolor: colours.line, linecolor: colours.line, zeroline: false, fixedrange: true, tickfont: font, ...FITTING };
  return {
    width: size.width,
    height: size.height,
    margin: { l: 44, r: 12, t: 10, b: 26 },
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    showlegend: false,
    dragmode: false,
    font,
    xaxis: {
      ...axis,
      type: "date",
      range: [from, to],
      tickmode: "array",
      ...within(timeTicks(from, to, fit), (at) => ((to - at) / (to - from)) * (size.width - 56) + 12),
      showgrid: false,
      ticks: "outside",
      tickcolor: colours.line,
      ticklen: 4,
    },
    yaxis: { ...axis },
  };
}

/** Those that do not reach beyond the end of the drawing, which is `roomAfter` pixels away from a mark. */
function within({ tickvals, ticktext }: Ticks, roomAfter: (at: number) => number): Ticks {
  const kept = tickvals.map((at, i) => ((ticktext[i] as string).length * LETTER_PX) / 2 <= roomAfter(at));
  return { tickvals: tickvals.filter((_, i) => kept[i]), ticktext: ticktext.filter((_, i) => kept[i]) };
}

/** The next round number, at most `limit`: an axis that fits its lines exactly would jump with every second. */
export function ceiling(most: number, limit = Infinity): number {
  if (most <= 0) return 1;
  if (most * 1.06 >= limit && most <= limit) return limit;
  const wanted = most * 1.06;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((candidate) => candidate * power >= wanted * (1 - 1e-9)) ?? 10;
  return step * power;
}

/** Whether a line lies on others: that of all beside its parts does not. */
function isStacked(line: ChartLine): boolean {
  return line.slot >= 0;
}

/** How high the lines that lie on each other reach. */
export function stackTop(lines: readonly ChartLine[]): number {
  const sums = new Map<number, number>();
  for (const { points } of lines.filter(isStacked))
    points.x.forEach((at, place) => sums.set(at, (sums.get(at) ?? 0) + Math.max(0, points.y[place] ?? 0)));
  let most = 0;
  for (const sum of sums.values()) if (sum > most) most = sum;
  return most;
}

/** What is filled under a line. */
function filling(line: ChartLine, colours: Palette, style: Style): object {
  const colour = colourOf(line, colours);
  if (style === "area") return { fill: "tozeroy", fillcolor: alpha(colour, 0.16) };
  if (style === "stacked" && isStacked(line)) return { stackgroup: "one", fillcolor: alpha(colour, 0.45) };
  return {};
}

function trace(line: ChartLine, scale: Scale, colours: Palette, count: number, style: Style): Data {
  const few = line.points.x.length < 40 && line.entry.resolution !== "1s";
  return {
    type: "scatter",
    mode: few || line.points.x.length === 1 ? "lines+markers" : "lines",
    name: verbatim(line.title),
    x: line.points.x,
    y: scaled(line.points.y, scale),
    line: {
      color: colourOf(line, colours),
      width: line.slot < 0 ? 1.25 : count > 4 ? 1.5 : 1.75,
      dash: line.dashed ? "dash" : "solid",
    },
    marker: { size: 4, color: colourOf(line, colours) },
    connectgaps: false,
    ...filling(line, colours, style),
  } as Data;
}

/** The period before, behind the lines: the same colour, faint. */
function traceBefore(line: ChartLine, points: Drawn, scale: Scale, colours: Palette): Data {
  return {
    type: "scatter",
    mode: points.x.length === 1 ? "markers" : "lines",
    name: `${verbatim(line.title)} before`,
    x: points.x,
    y: scaled(points.y, scale),
    line: { color: alpha(colourOf(line, colours), FAINT), width: 1.25, dash: line.dashed ? "dash" : "solid" },
    marker: { size: 4, color: alpha(colourOf(line, colours), FAINT) },
    connectgaps: false,
    hoverinfo: "skip",
  } as Data;
}

function scaled(values: readonly (number | null)[], scale: Scale): (number | null)[] {
  return values.map((value) => (value === null ? null : value * scale.factor));
}
