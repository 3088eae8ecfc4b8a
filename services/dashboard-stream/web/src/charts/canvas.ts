/** What everything that is drawn into one chart of lines needs to know, and its colours. Pure. */
import type { Scale } from "../model/format.ts";
import type { ChartLine, ChartLines } from "./chart-lines.ts";
import type { Palette } from "./palette.ts";

/** `to`: where the axis ends; `limit`: what values cannot exceed; `floor`: what they cannot fall below. */
export interface Canvas {
  chart: ChartLines;
  to: number;
  scale: Scale;
  colours: Palette;
  limit: number;
  floor: number;
}

export function colourOf(line: ChartLine, colours: Palette): string {
  return line.slot < 0 ? colours.muted : (colours.series[line.slot % colours.series.length] as string);
}

/** `#rrggbb` with an opacity. */
export function alpha(colour: string, opacity: number): string {
  const part = (at: number) => Number.parseInt(colour.slice(at, at + 2), 16);
  return `rgba(${part(1)},${part(3)},${part(5)},${Math.round(opacity * 1000) / 1000})`;
}
