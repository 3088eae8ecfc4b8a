/** What a chart's legend says about models: the forecast that is drawn, and what is still being learnt. */
import type { ChartLine } from "./chart-lines.ts";
import { duration } from "../model/format.ts";
import { Horizons } from "./horizons.tsx";
import { alpha, colourOf } from "./canvas.ts";
import type { Forecast } from "./forecast-marks.ts";
import type { Palette } from "./palette.ts";

/** More names than this make a legend longer than its chart is wide. */
const MOST_NAMES = 2;

interface Props {
  forecast: Forecast;
  of: string;
  horizon: number;
  horizons: number[];
  chosen: number | null;
  choose: (horizon: number | null) => void;
  colours: Palette;
}

export function ForecastNote({ forecast, of, horizon, horizons, chosen, choose, colours }: Props) {
  const colour = colourOf(forecast.line, colours);
  const shares = [forecast.interval, forecast.outer].filter((share) => share !== null).map((share) => Math.round(share * 100));
  const swatch = {
    borderTopColor: colour,
    borderTopStyle: forecast.learning ? ("dashed" as const) : ("dotted" as const),
    background: alpha(colour, 0.16),
  };
  return (
    <span class="ahead">
      <span class="note forecast">
        <i style={swatch} />
        {horizons.length > 1 ? "forecast" : `${duration(Math.round(horizon / 60_000) * 60_000)} forecast`} of {forecast.line.title}, {shares.join(" and ")} %
        {forecast.learning && <em>learning</em>}
      </span>
      <Horizons of={of} horizons={horizons} shown={horizon} chosen={chosen} choose={choose} />
    </span>
  );
}

/** Lines whose normal range is not known yet: they raise no alerts. */
export function LearningNote({ lines, learning }: { lines: readonly ChartLine[]; learning: ReadonlySet<string> }) {
  const result = lines.filter((line) => learning.has(line.series));
  if (!result.length) return null;
  const names = result.slice(0, MOST_NAMES).map((line) => line.title);
  const more = result.length - names.length;
  return (
    <span class="note" title="The normal range is not known yet: no alerts.">
      <em>learning</em> {result.length === lines.length && lines.length > 1 ? "all series" : names.join(", ") + (more ? ` and ${more} more` : "")}
    </span>
  );
}
