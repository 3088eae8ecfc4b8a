/**
 * A chart as Plotly takes it: traces and layout, made anew for every drawing (Plotly writes into what it gets). Pure.
 *
 * Times are epoch milliseconds everywhere, so Plotly shows them in the browser's zone, ranges and shapes included.
 */
import type { Data, Layout, Shape } from "plotly.js";
import type { ChartLine, ChartLines } from "./chart-lines.ts";
import { plain, type Scale, scaleFor } from "./format.ts";
import type { Incident } from "./insights.ts";
import { largest } from "./lines.ts";
import type { Palette } from "./theme.ts";

export interface Forecast {
  line: ChartLine;
  points: number[][];
  interval: number;
}

export interface Size {
  width: number;
  height: number;
}

export interface Figure {
  data: Data[];
  layout: Partial<Layout>;
}

/** Of the window, how much future a forecast gets. */
const AHEAD = 0.3;
const TICK_PX = 72;
const TICKS_MS = [15, 30, 60, 120, 300, 600, 900, 1800, 3600].map((seconds) => seconds * 1000);
const BAND_OPACITY = 0.12;
/** Parts of a whole: never more than all of it. */
const SHARES = new Set(["error_rate", "hit_rate"]);

export interface Marks {
  incidents: Incident[];
  forecast: Forecast | null;
}

/** Lines with their forecast and the spans of incidents. `unit` is that of the lines, `range` a fixed one. */
export function lineFigure(chart: ChartLines, marks: Marks, unit: string, range: [number, number] | undefined, colours: Palette, size: Size): Figure {
  const ahead = marks.forecast ? (chart.now - chart.from) * AHEAD : 0;
  const future = marks.forecast?.points.filter((point) => (point[0] as number) <= chart.now + ahead) ?? [];
  const most = Math.max(largest(chart.lines.map((line) => line.points)), ...future.map((point) => point[1] as number));
  const scale = scaleFor(unit, most);
  const data: Data[] = [];
  if (marks.forecast && future.length > 1) data.push(...forecastTraces(marks.forecast, future, scale, colours));
  for (const line of chart.lines) data.push(trace(line, scale, colours, chart.lines.length));
  const shapes = bands(chart, marks.incidents, colours);
  if (future.length > 1) shapes.push(nowLine(chart.now, colours));
  data.push(...markers(chart, marks.incidents, scale, colours));
  const top = range ? range[1] * scale.factor : ceiling(most * scale.factor, SHARES.has(chart.lines[0]?.entry.field ?? "") ? scale.factor : Infinity);
  const layout = frame(chart.from, chart.now + ahead, colours, size);
  const topText = `${top >= 10_000 ? "00k" : plain(top)}${suffix(scale)}`;
  layout.margin = { ...layout.margin, l: Math.max(36, 12 + topText.length * 6.5) };
  layout.shapes = shapes;
  layout.hovermode = "x unified";
  layout.yaxis = {
    ...layout.yaxis,
    range: [range ? range[0] * scale.factor : 0, top],
    tickformat: top >= 10_000 ? "~s" : ",~g",
    ...(range ? { dtick: ((range[1] - range[0]) * scale.factor) / 5 } : { nticks: 5 }),
    ticksuffix: suffix(scale),
    showticksuffix: "last",
  };
  return { data, layout };
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
  layout.hovermode = "closest";
  layout.yaxis = { ...layout.yaxis, type: "category", showgrid: false, autorange: true };
  if (layout.xaxis) layout.xaxis.showgrid = false;
  const data = {
    type: "heatmap",
    x: times,
    y: rows.map((line) => line.title),
    z,
    colorscale,
    zmin: 0,
    showscale: false,
    xgap: 2,
    ygap: 2,
    hovertemplate: "%{y}: %{z} at %{x|%H:%M}<extra></extra>",
  } as Data;
  return { data: [data], layout };
}

function frame(from: number, to: number, colours: Palette, size: Size): Partial<Layout> {
  const font = { family: "Inter, system-ui, 'Segoe UI', Roboto, sans-serif", size: 11, color: colours.muted };
  const step = tickStep(to - from, size.width);
  const axis = { gridcolor: colours.line, linecolor: colours.line, zeroline: false, fixedrange: true, tickfont: font };
  return {
    width: size.width,
    height: size.height,
    margin: { l: 44, r: 12, t: 10, b: 26 },
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    showlegend: false,
    dragmode: false,
    hoverdistance: 10,
    font,
    hoverlabel: { bgcolor: colours.raised, bordercolor: colours.line, font: { ...font, size: 12, color: colours.text } },
    xaxis: {
      ...axis,
      type: "date",
      range: [from, to],
      dtick: step,
      tickformat: step < 60_000 ? "%H:%M:%S" : "%H:%M",
      hoverformat: "%H:%M:%S",
      showgrid: false,
      ticks: "outside",
      tickcolor: colours.line,
      ticklen: 4,
      spikethickness: 1,
      spikecolor: colours.muted,
      spikedash: "solid",
    },
    yaxis: { ...axis },
  };
}

function tickStep(span: number, width: number): number {
  const fit = Math.max(2, Math.floor((width - 56) / TICK_PX));
  return TICKS_MS.find((step) => span / step <= fit) ?? 3_600_000;
}

/** The next round number, at most `limit`: an axis that fits its lines exactly would jump with every second. */
export function ceiling(most: number, limit = Infinity): number {
  if (most <= 0) return 1;
  if (most * 1.06 >= limit && most <= limit) return limit;
  const wanted = most * 1.06;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((candidate) => candidate * power >= wanted * (1 - 1e-9)) ?? 10;
  return step * power;
}

export function colourOf(line: ChartLine, colours: Palette): string {
  return line.slot < 0 ? colours.muted : (colours.series[line.slot % colours.series.length] as string);
}

function trace(line: ChartLine, scale: Scale, colours: Palette, count: number): Data {
  const few = line.points.x.length < 40 && line.entry.resolution !== "1s";
  return {
    type: "scatter",
    mode: few || line.points.x.length === 1 ? "lines+markers" : "lines",
    name: line.title,
    x: line.points.x,
    y: scaled(line.points.y, scale),
    line: {
      color: colourOf(line, colours),
      width: line.slot < 0 ? 1.25 : count > 4 ? 1.5 : 1.75,
      dash: line.dashed ? "dash" : "solid",
    },
    marker: { size: 4, color: colourOf(line, colours) },
    connectgaps: false,
    hovertemplate: `%{y:,.3~r}${suffix(scale)}`,
  } as Data;
}

function suffix(scale: Scale): string {
  return scale.unit ? (scale.unit.startsWith("/") ? scale.unit : ` ${scale.unit}`) : "";
}

function scaled(values: readonly (number | null)[], scale: Scale): (number | null)[] {
  return values.map((value) => (value === null ? null : value * scale.factor));
}

function forecastTraces(forecast: Forecast, points: number[][], scale: Scale, colours: Palette): Data[] {
  const x = points.map((point) => point[0] as number);
  const column = (i: number) => points.map((point) => Math.max(0, point[i] as number) * scale.factor);
  const colour = colourOf(forecast.line, colours);
  const edge = { type: "scatter", mode: "lines", x, line: { width: 0 }, hoverinfo: "skip" };
  return [
    { ...edge, y: column(2) } as Data,
    { ...edge, y: column(3), fill: "tonexty", fillcolor: alpha(colour, 0.16) } as Data,
    {
      type: "scatter",
      mode: "lines",
      name: "forecast",
      x,
      y: column(1),
      line: { color: colour, width: 1.5, dash: "dot" },
      hovertemplate: `%{y:,.3~r}${suffix(scale)}`,
    } as Data,
  ];
}

/** Spans of incidents within the window; those that overlap are one span of the graver kind. */
function bands(chart: ChartLines, incidents: readonly Incident[], colours: Palette): Partial<Shape>[] {
  const spans = incidents
    .map((one) => ({ from: Math.max(one.since, chart.from), to: one.open ? chart.now : one.until, grave: one.severity === "critical" }))
    .filter((span) => span.to >= chart.from && span.from <= chart.now)
    .sort((a, b) => a.from - b.from);
  const merged: typeof spans = [];
  for (const span of spans) {
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
      fillcolor: alpha(colour, BAND_OPACITY),
      line: { color: alpha(colour, 0.5), width: 1 },
      layer: "below",
    };
  });
}

/** A triangle where an incident on a line of this chart began. */
function markers(chart: ChartLines, incidents: readonly Incident[], scale: Scale, colours: Palette): Data[] {
  const found: { x: number; y: number; text: string; up: boolean; grave: boolean }[] = [];
  for (const incident of incidents) {
    const line = chart.lines.find((one) => one.series === incident.told.series);
    if (!line || incident.since < chart.from) continue;
    const at = line.points.x.findIndex((x) => x >= incident.since);
    const y = line.points.y[at] ?? null;
    if (y === null) continue;
    found.push({
      x: line.points.x[at] as number,
      y: y * scale.factor,
      text: `${line.title} unusually ${incident.told.direction === "down" ? "low" : "high"}`,
      up: incident.told.direction !== "down",
      grave: incident.severity === "critical",
    });
  }
  if (!found.length) return [];
  return [
    {
      type: "scatter",
      mode: "markers",
      name: "anomaly",
      x: found.map((one) => one.x),
      y: found.map((one) => one.y),
      text: found.map((one) => one.text),
      marker: {
        symbol: found.map((one) => (one.up ? "triangle-up" : "triangle-down")),
        size: 10,
        color: found.map((one) => (one.grave ? colours.bad : colours.warn)),
        line: { width: 1.5, color: colours.surface },
      },
      cliponaxis: false,
      hovertemplate: "%{text}<extra></extra>",
    } as Data,
  ];
}

function nowLine(now: number, colours: Palette): Partial<Shape> {
  return { type: "line", xref: "x", yref: "paper", x0: now, x1: now, y0: 0, y1: 1, line: { color: colours.muted, width: 1, dash: "dot" } };
}

/** `#rrggbb` with an opacity. */
export function alpha(colour: string, opacity: number): string {
  const part = (at: number) => Number.parseInt(colour.slice(at, at + 2), 16);
  return `rgba(${part(1)},${part(3)},${part(5)},${opacity})`;
}
