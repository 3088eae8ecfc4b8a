/** Notes and deployments in a chart: a line through it, or a span, with a mark at its top. Pure. */
import type { Annotation as Words, Shape } from "plotly.js";
import type { Annotation } from "../model/notes.ts";
import { alpha } from "./canvas.ts";
import type { Figure } from "./figure.ts";
import type { Palette } from "./palette.ts";

const SYMBOLS: Record<Annotation["kind"], string> = { note: "✎", deployment: "▲" };

/** `figure` with what of `annotations` lies on its axis, below its lines. */
export function annotated(figure: Figure, annotations: readonly Annotation[], colours: Palette): Figure {
  const [from, to] = (figure.layout.xaxis?.range ?? []) as number[];
  if (from === undefined || to === undefined) return figure;
  const seen = annotations.filter(({ at, until }) => at <= to && (until ?? at) >= from);
  if (!seen.length) return figure;
  const colour = colours.muted;
  const shapes = seen.flatMap(({ at, until }): Partial<Shape>[] => {
    const across = { xref: "x", yref: "paper", y0: 0, y1: 1, layer: "below" } as const;
    const line = (x: number): Partial<Shape> => ({ ...across, type: "line", x0: x, x1: x, line: { color: colour, width: 1.25, dash: "dot" } });
    const edges = [at, ...(until === null ? [] : [until])].filter((x) => x >= from && x <= to).map(line);
    if (until === null) return edges;
    return [{ ...across, type: "rect", x0: Math.max(from, at), x1: Math.min(to, until), fillcolor: alpha(colour, 0.1), line: { width: 0 } }, ...edges];
  });
  const words = seen.map(({ at, kind }): Partial<Words> => ({
    x: Math.max(from, at),
    y: 1,
    xref: "x",
    yref: "paper",
    yanchor: "top",
    text: SYMBOLS[kind],
    showarrow: false,
    font: { color: colours.text, size: 12 },
    bgcolor: alpha(colours.surface, 0.8),
    borderpad: 0,
  }));
  const marks = seen.map(({ at, text, note }) => ({ x: Math.max(from, at), text, ...(note ? { note } : {}) }));
  return {
    ...figure,
    layout: { ...figure.layout, shapes: [...(figure.layout.shapes ?? []), ...shapes], annotations: [...(figure.layout.annotations ?? []), ...words] },
    ...(figure.pointed ? { pointed: { lines: figure.pointed.lines, marks: [...figure.pointed.marks, ...marks] } } : {}),
  };
}
