/** A metric over time, as it was asked for: a legend, and its lines with anomalies and forecast. */
import { useRef, useState } from "preact/hooks";
import { sentence } from "../model/anomaly.ts";
import type { InsightEvent } from "../model/board.ts";
import { duration, inWords } from "../model/format.ts";
import { type Incident, standing } from "../model/incidents.ts";
import type { ChartLines } from "./chart-lines.ts";
import { type Level, lineFigure, type Style } from "./figure.ts";
import { expectations } from "./incident-marks.ts";
import { useHidden } from "./controls.ts";
import { useLeft } from "./left.ts";
import { Legend } from "./legend.tsx";
import { forecastOf } from "./line-forecast.ts";
import { palette, type Theme } from "./palette.ts";
import { PictureOf, pngOf } from "./picture.ts";
import { usePlot } from "./plot.ts";
import { PlotPointer } from "./plot-pointer.tsx";

interface Props {
  /** What is drawn, as a reader would say it. */
  title: string;
  lines: ChartLines;
  unit: string;
  incidents: Incident[];
  insights: readonly InsightEvent[];
  /** Limits that somebody set. */
  levels?: Level[];
  style?: Style;
  /** Which period the faint lines are of, in words. */
  before?: string | undefined;
  /** What names the chart where its lines are hidden; its title, unless there is something that stays. */
  id?: string;
  theme: Theme;
  /** Changes when one of the above does. */
  moment: string;
}

export function MetricChart({ title, lines, unit, incidents, insights, levels, style, before, id, theme, moment }: Props) {
  const [hidden, toggle] = useHidden(id ?? title);
  const [horizon, setHorizon] = useState<number | null>(null);
  const shown = { ...lines, lines: lines.lines.filter((line) => !hidden.has(line.series)) };
  const windowMs = lines.now - lines.from;
  const ahead = forecastOf(shown.lines, insights, lines.now, horizon ?? windowMs);
  const far = horizon !== null && ahead ? (ahead.ahead.points.at(-1)?.[0] ?? lines.now) - lines.now : null;
  const place = useRef<HTMLDivElement>(null);
  const figure = () => {
    const size = { width: host.current?.clientWidth ?? 0, height: host.current?.clientHeight ?? 0 };
    return lineFigure(shown, { incidents, forecast: ahead?.drawn ?? null, ahead: far, levels, style, before }, unit, undefined, palette(theme), size);
  };
  const { host, drawn } = usePlot(figure, `${moment} ${theme} ${[...hidden].join()} ${horizon}`, false);
  useLeft(PictureOf, () => pngOf(figure(), title, theme));
  return (
    <>
      <Legend
        of={title}
        before={before}
        lines={lines}
        unit={unit}
        over={`over ${duration(windowMs)}`}
        hidden={hidden}
        toggle={toggle}
        expected={expectations(shown, incidents).length > 0}
        ahead={ahead}
        horizon={horizon}
        choose={setHorizon}
        colours={palette(theme)}
      />
      <div class="plot" ref={place}>
        <div ref={host} class="host" role="img" aria-label={spoken(title, lines, unit, incidents)} />
        <PlotPointer place={place} drawn={drawn} />
      </div>
    </>
  );
}

function spoken(title: string, lines: ChartLines, unit: string, incidents: readonly Incident[]): string {
  const values = lines.lines.map((line) => `${line.title} ${inWords(line.last, unit)}`);
  const unusual = standing(incidents, lines.now).map((one) => `. ${sentence(one.insight)}, ${one.severity}`);
  return `${title}. Over ${duration(lines.now - lines.from)}: ${values.join(", ")}${unusual.join("")}`;
}
