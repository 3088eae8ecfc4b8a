/** A chart in its panel: title, legend with the numbers of now, and the drawing, which Plotly owns. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Board } from "./board.ts";
import type { Entry, Units } from "./catalogue.ts";
import { type ChartLine, type ChartLines, linesOf, weight } from "./chart-lines.ts";
import { alpha, colourOf, type Forecast, heatFigure, lineFigure } from "./figure.ts";
import { duration, inWords } from "./format.ts";
import { concerns, forecast, type Incident } from "./insights.ts";
import type { ChartSpec } from "./layouts.ts";
import { SMOOTH_MS, smoothing, stepOf } from "./lines.ts";
import type Plotly from "./plotly.ts";
import { draw, unwatch, watch } from "./scheduler.ts";
import { palette, type Theme } from "./theme.ts";

// Two thirds of the page's bytes: fetched beside the first frame, not before it.
const loading = import("./plotly.ts").then((module) => module.default);
const CONFIG = { displayModeBar: false, responsive: false, scrollZoom: false, doubleClick: false } as const;

interface Props {
  chart: ChartSpec;
  board: Board;
  entries: ReadonlyMap<string, Entry>;
  units: Units;
  incidents: Incident[];
  now: number;
  minutes: number;
  theme: Theme;
}

export function Chart({ chart, board, entries, units, incidents, now, minutes, theme }: Props) {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const moment = `${board.epoch} ${Math.floor(now / 1000)} ${minutes}`;
  const lines = useEachSecond(() => linesOf(chart, board, entries, minutes * 60_000, now), moment);
  const shown = { ...lines, lines: lines.lines.filter((line) => !hidden.has(line.series)) };
  const unit = unitOf(chart, units);
  const about = incidents.filter((incident) => chart.lines.some((line) => concerns(incident, line.reading)));
  const ahead = chart.kind === "lines" ? forecastOf(shown.lines, board, now) : null;
  const empty = lines.lines.every((line) => !line.points.x.length);
  const colours = palette();

  const host = usePlot(() => {
    const size = { width: host.current?.clientWidth ?? 0, height: host.current?.clientHeight ?? 0 };
    return chart.kind === "heat"
      ? heatFigure(shown, palette(), size)
      : lineFigure(shown, { incidents: about, forecast: ahead }, unit, chart.range, palette(), size);
  }, `${moment} ${theme} ${[...hidden].join()} ${empty}`, empty);

  const toggle = (series: string) => {
    const next = new Set(hidden);
    if (!next.delete(series)) next.add(series);
    setHidden(next);
  };
  return (
    <article class="panel chart">
      <h2>
        {chart.title}
        <small>{corner(chart, lines, unit, entries)}</small>
      </h2>
      {chart.kind === "heat" ? (
        <Ramp lines={lines} />
      ) : (
        <div class="legend">
          {lines.lines.map((line) => (
            <button
              type="button"
              key={line.series}
              aria-pressed={!hidden.has(line.series)}
              title={hidden.has(line.series) ? "show" : "hide"}
              onClick={() => toggle(line.series)}
            >
              <i style={{ borderTopColor: colourOf(line, colours), borderTopStyle: line.dashed ? "dashed" : "solid" }} />
              {line.title} <b>{inWords(line.last, unit)}</b>
            </button>
          ))}
          {ahead && (
            <span class="note">
              <i style={{ borderTopColor: colourOf(ahead.line, colours), borderTopStyle: "dotted", background: alpha(colourOf(ahead.line, colours), 0.16) }} />
              forecast of {ahead.line.title}, {Math.round(ahead.interval * 100)} %{ahead.learning ? ", still learning" : ""}
            </span>
          )}
          {lines.more > 0 && <span class="note">and {lines.more} smaller</span>}
        </div>
      )}
      <div class="plot">
        <div ref={host} class={empty ? "host hidden" : "host"} role="img" aria-label={spokenChart(chart, lines, unit)} />
        {empty && <p class="empty">{emptiness(chart, board, lines, entries)}</p>}
      </div>
    </article>
  );
}

/** Recomputes when `key` changes: numbers move four times a second, lines once. */
function useEachSecond<T>(make: () => T, key: string): T {
  const kept = useRef<{ key: string; made: T } | null>(null);
  if (kept.current?.key !== key) kept.current = { key, made: make() };
  return kept.current.made;
}

/** Draws into the returned element when `key` or its size changes; forgets everything when the component goes. */
function usePlot(figure: () => ReturnType<typeof lineFigure>, key: string, empty: boolean) {
  const host = useRef<HTMLDivElement>(null);
  const newest = useRef(figure);
  newest.current = figure;
  const plotly = useRef<typeof Plotly | null>(null);
  const gone = useRef(false);

  const request = () => {
    const element = host.current;
    if (!element || !plotly.current) return;
    draw(element, () => {
      if (!plotly.current || element.clientWidth === 0) return;
      const { data, layout } = newest.current();
      void plotly.current.react(element, data, layout, CONFIG);
    });
  };

  useLayoutEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    gone.current = false;
    watch(element);
    const observer = new ResizeObserver(request);
    observer.observe(element);
    void loading.then((loaded) => {
      if (gone.current) return;
      plotly.current = loaded;
      request();
    });
    return () => {
      gone.current = true;
      observer.disconnect();
      unwatch(element);
      plotly.current?.purge(element);
      plotly.current = null;
    };
  }, []);
  useEffect(() => {
    if (!empty) request();
  }, [key]);
  return host;
}

function unitOf(chart: ChartSpec, units: Units): string {
  const first = chart.lines[0]?.reading ?? "";
  return chart.of === "of one core" ? "share" : units.of(first);
}

/** The forecast of the total, or of the largest line that has one: with more than one nothing could be read. */
function forecastOf(lines: readonly ChartLine[], board: Board, now: number): (Forecast & { learning: boolean }) | null {
  const ranked = lines.some((line) => !line.series.includes("{")) ? lines : [...lines].sort((a, b) => weight(b) - weight(a));
  for (const line of ranked) {
    const found = forecast(board.told.values(), line.series, now);
    if (found) return { line, points: found.points, interval: found.told.interval ?? 0.9, learning: found.told.state === "learning" };
  }
  return null;
}

function corner(chart: ChartSpec, lines: ChartLines, unit: string, entries: ReadonlyMap<string, Entry>): string {
  const first = entries.get(chart.lines[0]?.reading ?? "");
  const smooth = first && smoothing(first);
  const over = `last ${duration(lines.now - lines.from)}`;
  const per = unit.endsWith("/s") ? " per second" : "";
  return [`${chart.of ?? ""}${per}`, smooth ? `${SMOOTH_MS / 1000} s ${smooth}` : "", over].filter(Boolean).join(" · ");
}

function emptiness(chart: ChartSpec, board: Board, lines: ChartLines, entries: ReadonlyMap<string, Entry>): string {
  if (!board.frames) return "Waiting for the first data";
  const starts = chart.lines.map((line) => (line.by ? `${line.reading}{${line.by}=` : line.reading));
  const known = [...board.lines.keys()].some((name) => starts.some((start) => name === start || (start.endsWith("=") && name.startsWith(start))));
  if (known) {
    const first = entries.get(chart.lines[0]?.reading ?? "");
    if (first && stepOf(first) > 1_000) return "Waiting for the first full minute";
    return `Nothing in the last ${duration(lines.now - lines.from)}`;
  }
  return "Waiting for the first data";
}

function spokenChart(chart: ChartSpec, lines: ChartLines, unit: string): string {
  const said = lines.lines.map((line) => `${line.title} ${inWords(line.last, unit)}`);
  return `${chart.title}, last ${duration(lines.now - lines.from)}. Now: ${said.join(", ") || "no data"}`;
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
