/** A chart in its panel: title, legend with the numbers of now, and the drawing, which Plotly owns. */
import { useMemo, useRef, useState } from "preact/hooks";
import { sentence } from "../model/anomaly.ts";
import type { Board } from "../model/board.ts";
import type { Entry, Units } from "../model/catalogue.ts";
import { differenceInWords } from "../model/compared.ts";
import { annotated } from "./annotation-marks.ts";
import { type ChartLines, isOwnPoint, linesOf } from "./chart-lines.ts";
import { type Band, heatFigure, type Level, levelsOf, lineFigure } from "./figure.ts";
import { useLeft } from "./left.ts";
import { forecastOf } from "./line-forecast.ts";
import type { TimeSeries } from "../model/contracts.ts";
import { duration, inWords } from "../model/format.ts";
import { concerns, type Incident, standing } from "../model/incidents.ts";
import { annotationsOf } from "../model/notes.ts";
import { metricLink } from "../model/metric-choice.ts";
import { askedLines, type Chart as ChartPanel, firstReading, questions } from "../model/panels.ts";
import { FirstData, WAITING } from "./first-data.tsx";
import { useHidden } from "./controls.ts";
import { Legend } from "./legend.tsx";
import { SMOOTH_MS, smoothing, stepOf } from "./lines.ts";
import { expectations } from "./incident-marks.ts";
import { usePlot } from "./plot.ts";
import { PlotPointer } from "./plot-pointer.tsx";
import { palette, type Theme } from "./palette.ts";
import { PictureOf, pngOf } from "./picture.ts";

/** What the page has of lines of seconds; charts of minutes show twelve times as much, which is what it has of those. */
const PAST_MS = 15 * 60_000;

interface Props {
  chart: ChartPanel;
  board: Board;
  entries: ReadonlyMap<string, Entry>;
  units: Units;
  incidents: Incident[];
  /** Series whose normal range is not known yet. */
  learning: ReadonlySet<string>;
  now: number;
  minutes: number;
  theme: Theme;
}

/** Drawn anew each second, however often the numbers beside it change. */
export function Chart(props: Props) {
  const { chart, board, entries, units, now: present, minutes, theme } = props;
  const now = board.range?.to ?? present;
  const annotations = useMemo(() => annotationsOf(board.notes, board.insights.values()), [board.notes, board.epoch, board.insights.size]);
  const marked = annotations.map(({ at, until, text }) => `${at}-${until}-${text.join()}`).join();
  const moment = `${answeredOf(chart, board) ?? board.epoch} ${board.before?.bounds.from ?? ""} ${marked} ${Math.floor(now / 1000)} ${minutes}`;
  return useMemo(
    () => <ChartOfMoment {...props} now={now} annotations={annotations} moment={moment} />,
    [moment, chart, entries, units, theme, board.frames > 0, board.range && board],
  );
}

/** What of a stored range is there for the chart: the answers to others, which come before and after, are no reason to draw it. */
function answeredOf(chart: ChartPanel, { range, lines }: Board): string | null {
  if (range?.asked === undefined || range.played !== undefined) return null;
  const readings = askedLines(chart).map(({ reading }) => reading);
  const there = readings.map((reading) => {
    let count = 0;
    for (const name of lines.keys()) if (name.startsWith(reading)) count += 1;
    const step = range.steps.get(reading) ?? (range.partial ? "waiting" : "");
    // Shares of single seconds are weighted by another line.
    return `${step}:${count}${step === "1s" && range.partial ? " in part" : ""}`;
  });
  return `${range.asked} ${range.from} ${range.to} ${there.join()}`;
}

interface MomentProps extends Props {
  annotations: ReturnType<typeof annotationsOf>;
  /** Changes when what is drawn does. */
  moment: string;
}

function ChartOfMoment({ chart, board, entries, units, incidents, learning, now, minutes, theme, annotations, moment: drawnAt }: MomentProps) {
  const [hidden, toggle] = useHidden(chart.id ?? chart.title);
  const [horizon, setHorizon] = useState<number | null>(null);
  const moment = `${drawnAt} ${horizon}`;
  // Beside a long forecast stands as much of the past as there is.
  const windowMs = Math.max(minutes * 60_000, Math.min(horizon ?? 0, PAST_MS));
  const lines = useEachSecond(() => linesOf(chart, board, entries, windowMs, now), moment);
  const shown = { ...lines, lines: lines.lines.filter((line) => !hidden.has(line.series)) };
  const unit = unitOf(chart, units);
  const first = entries.get(firstReading(chart));
  const over = units.windowOf(firstReading(chart));
  const ownPoint = first !== undefined && isOwnPoint(first, board);
  const stacked = chart.kind === "time_series" && chart.style === "stacked";
  // What is about one of the lines that lie on others would stand at a wrong height.
  const about = (stacked ? [] : incidents).filter((incident) => askedLines(chart).some((line) => concerns(incident, line.reading)));
  const ahead = chart.kind === "time_series" && !stacked ? forecastOf(shown.lines, board.insights.values(), now, horizon ?? lines.now - lines.from) : null;
  const far = horizon !== null && ahead ? (ahead.ahead.points.at(-1)?.[0] ?? now) - lines.now : null;
  const empty = lines.lines.every((line) => !line.points.x.length);
  const colours = palette(theme);

  const place = useRef<HTMLDivElement>(null);
  const figure = () => {
    const size = { width: host.current?.clientWidth ?? 0, height: host.current?.clientHeight ?? 0 };
    const known = first && !askedLines(chart).some((line) => line.by) ? levelsOf(first) : [];
    const levels = chart.kind === "time_series" ? [...known, ...thresholdsOf(chart)] : known;
    const made = chart.kind === "heatmap"
      ? heatFigure(shown, palette(theme), size)
      : lineFigure(shown, { incidents: about, forecast: ahead?.drawn ?? null, ahead: far, levels, bands: bandsOf(chart), style: chart.style ?? "line", before: board.before?.words }, unit, chart.range ?? undefined, palette(theme), size);
    return annotated(made, annotations, palette(theme));
  };
  const { host, drawn } = usePlot(figure, `${moment} ${theme} ${[...hidden].join()} ${empty}`, empty, chart.kind === "heatmap" ? "heatmap" : "lines");
  useLeft(PictureOf, () => pngOf(figure(), chart.title, theme));

  return (
    <article class="panel chart">
      <h2>
        <a href={chartLink(chart)}>{chart.title}</a>
        <small>{corner(chart, lines, unit, entries, board)}</small>
      </h2>
      {chart.kind === "heatmap" ? (
        <Ramp lines={lines} />
      ) : (
        <Legend
          of={chart.title}
          before={board.before?.words}
          lines={lines}
          unit={unit}
          over={board.range?.whole ? "whole range" : board.range?.played ? "newest point" : ownPoint ? `newest ${duration(SMOOTH_MS)}` : over === null ? null : `last ${duration(over * 1000)}`}
          hidden={hidden}
          toggle={toggle}
          expected={expectations(shown, about).length > 0}
          ahead={ahead}
          horizon={horizon}
          choose={setHorizon}
          learning={learning}
          filtered={chart.kind === "time_series" && questions(chart).every(({ only, without }) => only ?? without)}
          colours={colours}
        />
      )}
      <div class="plot" ref={place}>
        <div ref={host} class={empty ? "host hidden" : "host"} role="img" aria-label={spokenChart(chart, lines, unit, about, board.before?.words)} />
        <PlotPointer place={place} drawn={drawn} />
        {empty && <Empty chart={chart} board={board} lines={lines} entries={entries} />}
      </div>
    </article>
  );
}

/** Recomputes when `key` changes: numbers move six times a second, lines once. */
function useEachSecond<T>(make: () => T, key: string): T {
  const kept = useRef<{ key: string; made: T } | null>(null);
  if (kept.current?.key !== key) kept.current = { key, made: make() };
  return kept.current.made;
}

function thresholdsOf(chart: TimeSeries): Level[] {
  return (chart.thresholds ?? []).map(({ value, word, tone }) => ({ value, word, tone: tone ?? "warn" }));
}

function bandsOf(chart: TimeSeries): Band[] {
  return (chart.bands ?? []).map(({ lower, upper, word, tone }) => ({ lower, upper, word, tone: tone ?? "good" }));
}

function unitOf(chart: ChartPanel, units: Units): string {
  if (chart.kind === "time_series" && chart.unit) return chart.unit;
  const first = firstReading(chart);
  return units.of(first);
}

/** The page of the metric that the first line is of, split as most of the lines are. */
function chartLink(chart: ChartPanel): string {
  const [first] = questions(chart);
  return metricLink({ metric: first?.metric ?? "", field: first?.field ?? "", by: questions(chart).find((one) => one.by)?.by ?? null, only: first?.only });
}

function corner(chart: ChartPanel, lines: ChartLines, unit: string, entries: ReadonlyMap<string, Entry>, { range }: Board): string {
  const first = entries.get(firstReading(chart));
  const smooth = first && smoothing(first);
  const span = duration(lines.now - lines.from);
  const over = range ? `${span}, points of ${range.steps.get(firstReading(chart)) ?? ""}` : `last ${span}`;
  const per = unit.endsWith("/s") ? " per second" : "";
  return [`${chart.measures ?? ""}${per}`, smooth ? `${SMOOTH_MS / 1000} s ${smooth}` : "", over].filter(Boolean).join(" · ");
}

interface EmptyProps {
  chart: ChartPanel;
  board: Board;
  lines: ChartLines;
  entries: ReadonlyMap<string, Entry>;
}

function Empty({ chart, board, lines, entries }: EmptyProps) {
  const why = emptiness(chart, board, lines, entries);
  if (why !== WAITING) return <p class="empty">{why}</p>;
  return <FirstData metric={board.frames ? (entries.get(firstReading(chart))?.metric ?? "") : ""} />;
}

function emptiness(chart: ChartPanel, board: Board, lines: ChartLines, entries: ReadonlyMap<string, Entry>): string {
  if (board.range && (!board.range.steps.size || (board.range.partial && !board.range.steps.has(firstReading(chart))))) return "Loading…";
  if (!board.frames) return WAITING;
  const starts = askedLines(chart).map((line) => (line.by ? `${line.reading}{${line.by}=` : line.reading));
  const known = [...board.lines.keys()].some((name) => starts.some((start) => name === start || (start.endsWith("=") && name.startsWith(start))));
  if (known) {
    if (board.range) return "No data in this range";
    const first = entries.get(firstReading(chart));
    if (first && stepOf(first) > 1_000) return "Waiting for the first full minute";
    return `No data in the last ${duration(lines.now - lines.from)}`;
  }
  if (board.range) return "No data in this range";
  return WAITING;
}

function spokenChart(chart: ChartPanel, lines: ChartLines, unit: string, about: readonly Incident[], before: string | undefined): string {
  const values = lines.lines.map((line) => `${line.title} ${inWords(line.last, unit)}`);
  const unusual = standing(about, lines.now).map((incident) => `. ${sentence(incident.insight)}, ${incident.severity}`);
  const compared = lines.lines.flatMap(({ title, compared }) => (before && compared ? [`${title} ${differenceInWords(compared.now, compared.then, unit, before)}`] : []));
  return `${chart.title}, last ${duration(lines.now - lines.from)}. Now: ${values.join(", ") || "no data"}${unusual.join("")}${compared.length ? `. Compared: ${compared.join(", ")}` : ""}`;
}

function Ramp({ lines }: { lines: ChartLines }) {
  const most = Math.max(0, ...lines.lines.flatMap((line) => line.points.y.map((value) => value ?? 0)));
  return (
    <div class="legend">
      <span class="note">
        0 <i class="ramp" /> {Math.round(most)}
      </span>
    </div>
  );
}
