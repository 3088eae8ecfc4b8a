/** A chart's legend: its lines with their numbers, to be shown and hidden, and what models say of them. */
import type { ChartLine, ChartLines } from "./chart-lines.ts";
import { differenceInWords, shortDifference } from "../model/compared.ts";
import { duration, inWords } from "../model/format.ts";
import type { Toggle } from "./controls.ts";
import { Horizons } from "./horizons.tsx";
import { alpha, colourOf } from "./canvas.ts";
import { type Forecast, futureOf } from "./forecast-marks.ts";
import type { Shown } from "./line-forecast.ts";
import type { Palette } from "./palette.ts";

interface LegendProps {
  /** What is drawn, as a reader would say it. */
  of: string;
  lines: ChartLines;
  unit: string;
  /** With which period before the numbers are compared, in words. */
  before?: string | undefined;
  /** Over which time the numbers are, in words. */
  over: string | null;
  hidden: ReadonlySet<string>;
  toggle: Toggle;
  /** Whether an expected band is drawn. */
  expected: boolean;
  ahead: Shown | null;
  horizon: number | null;
  choose: (horizon: number | null) => void;
  /** Series whose normal range is not known yet. */
  learning?: ReadonlySet<string>;
  /** Whether all lines are of some values of dimensions only, of which models say nothing. */
  filtered?: boolean;
  colours: Palette;
}

export function Legend({ of, lines, unit, before, over, hidden, toggle, expected, ahead, horizon, choose, learning, filtered, colours }: LegendProps) {
  const all = lines.lines.map((line) => line.series);
  return (
    <div class="legend">
      {over !== null && lines.lines.length > 0 && <span class="note">{over}:</span>}
      {lines.lines.map((line) => (
        <button
          type="button"
          key={line.series}
          aria-pressed={!hidden.has(line.series)}
          title={[line.tooltip, inFull(line, unit, before), hidden.has(line.series) ? "Click: show." : "Click: hide.", all.length > 1 && ALONE].filter(Boolean).join(" ")}
          // The two clicks of a double-click undo each other.
          onClick={(event) => toggle(line.series, event.altKey || event.ctrlKey || event.metaKey, all)}
          onDblClick={() => toggle(line.series, true, all)}
        >
          <i style={{ borderTopColor: colourOf(line, colours), borderTopStyle: line.dashed ? "dashed" : "solid" }} />
          <bdi>{line.title}</bdi> <b>{inWords(line.last, unit)}</b>
          {before && line.compared && <small>{shortDifference(line.compared.now, line.compared.then, unit)}</small>}
        </button>
      ))}
      {lines.more > 0 && <span class="note">and {lines.more} more</span>}
      {before && lines.lines[0] && (
        <span class="note before">
          <i />
          {inFullOfFirst(lines.lines[0], lines.lines.length, unit, before)}
        </span>
      )}
      {expected && (
        <span class="note">
          <i class="expected" />
          expected
        </span>
      )}
      {ahead && (
        <ForecastNote
          forecast={ahead.drawn}
          seen={horizon !== null || futureOf(ahead.drawn.points, lines.now, lines.now - lines.from, null).length > 0}
          of={of}
          horizon={ahead.ahead.horizon}
          horizons={ahead.horizons}
          chosen={horizon === null ? null : ahead.ahead.horizon}
          choose={choose}
          colours={colours}
        />
      )}
      {filtered && (
        <span class="note" title="Models watch whole metrics and each value of their dimensions, not what a panel filters: no anomalies and no forecast here.">
          filtered: no anomalies or forecast
        </span>
      )}
      {learning && <LearningNote lines={lines.lines} learning={learning} />}
    </div>
  );
}

/** The difference of a line as a sentence, where it is compared. */
function inFull(line: ChartLine, unit: string, before: string | undefined): string {
  const words = before && line.compared ? differenceInWords(line.compared.now, line.compared.then, unit, before) : "";
  return words && `Over the whole range ${words}.`;
}

/** The first line's difference, by its name where there are others. */
function inFullOfFirst(line: ChartLine, count: number, unit: string, before: string): string {
  const words = line.compared ? differenceInWords(line.compared.now, line.compared.then, unit, before) : "";
  return words ? (count > 1 ? `${line.title}: ${words}` : words) : before;
}

const ALONE = "Double-click, or Ctrl- or Alt-click: only this one.";

/** More names than this make a legend longer than its chart is wide. */
const MOST_NAMES = 2;

interface Props {
  forecast: Forecast;
  /** Whether it is drawn: its points may be further apart than what is shown is long. */
  seen: boolean;
  of: string;
  horizon: number;
  horizons: number[];
  chosen: number | null;
  choose: (horizon: number | null) => void;
  colours: Palette;
}

function ForecastNote({ forecast, seen, of, horizon, horizons, chosen, choose, colours }: Props) {
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
        {!seen && " (beyond what is shown)"}
      </span>
      <Horizons of={of} horizons={horizons} shown={horizon} chosen={chosen} choose={choose} />
    </span>
  );
}

/** Lines whose normal range is not known yet: they raise no alerts. */
function LearningNote({ lines, learning }: { lines: readonly ChartLine[]; learning: ReadonlySet<string> }) {
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
