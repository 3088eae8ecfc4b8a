/** A line as bars, drawn as filled shapes: Plotly's own bars are a module of their own, for the sake of a rectangle. Pure. */
import type { Data } from "plotly.js";
import { verbatim } from "../model/names.ts";
import type { Scale } from "../model/format.ts";
import { alpha, colourOf } from "./canvas.ts";
import type { ChartLine } from "./chart-lines.ts";
import { stepOf } from "./lines.ts";
import type { Palette } from "./palette.ts";

/** More cannot be distinguished: their outline is drawn without gaps. */
const MOST_BARS = 150;
/** Of the time from one point to the next, what the bars of all lines take. */
const WIDTH = 0.8;

/** Whether a line is drawn as bars: that of all beside its parts is not. */
export function isBarred(line: ChartLine): boolean {
  return line.slot >= 0;
}

/** The bars of `line`, beside those of the other lines: it is number `place` of `of`. */
export function barTrace(line: ChartLine, place: number, of: number, scale: Scale, colours: Palette): Data {
  const colour = colourOf(line, colours);
  const { x, y } = shapes(line, place, of, scale.factor);
  return {
    type: "scatter",
    mode: "lines",
    name: verbatim(line.title),
    x,
    y,
    line: { color: colour, width: 0.75 },
    fill: "toself",
    fillcolor: alpha(colour, 0.7),
    connectgaps: false,
    hoverinfo: "skip",
  } as Data;
}

/** Corners of bars, with gaps between them; a bar stands on its window, from where that begins. */
export function shapes(line: ChartLine, place: number, of: number, factor: number): { x: (number | null)[]; y: (number | null)[] } {
  const step = stepOf(line.entry);
  const close = line.points.x.length > MOST_BARS;
  const width = close ? step : (step * WIDTH) / of;
  const offset = close ? 0 : (step * (1 - WIDTH)) / 2 + place * width;
  const x: (number | null)[] = [];
  const y: (number | null)[] = [];
  line.points.x.forEach((at, i) => {
    const value = line.points.y[i] ?? null;
    if (value === null) return;
    const [left, right] = [Math.round(at + offset), Math.round(at + offset + width)];
    x.push(left, left, right, right, null);
    y.push(0, value * factor, value * factor, 0, null);
  });
  return { x, y };
}
