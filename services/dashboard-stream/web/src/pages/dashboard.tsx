/** One dashboard: its heading with the state of what it shows, tiles, insights, charts and lists; or one of its panels alone. */
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Chart } from "../charts/chart.tsx";
import type { Theme } from "../charts/palette.ts";
import type { Board } from "../model/board.ts";
import { type Dashboard, type Entry, Units } from "../model/catalogue.ts";
import { counted as manyOf } from "../model/format.ts";
import { beyond, health, silence } from "../model/health.ts";
import { concerns, incidents, standing, together } from "../model/incidents.ts";
import { chartPlacings, isArranged, numbersInRow, type Placing, placings } from "../model/layout.ts";
import { ofUsers } from "../model/own-services.ts";
import { askedLines, keyOf, type Panel, sections } from "../model/panels.ts";
import { learningSeries, watched } from "../model/watching.ts";
import { Capacity } from "../panels/capacity-card.tsx";
import { Insights } from "../panels/insights-panel.tsx";
import { isEmpty } from "../panels/first-event.ts";
import { StartHere } from "../panels/start-here.tsx";
import { Scores } from "../panels/score-card.tsx";
import { Frame } from "../panels/frame.tsx";
import { Gauge } from "../panels/gauge.tsx";
import { ListPanel } from "../panels/list-panel.tsx";
import type { Drawn } from "../panels/panel-data.ts";
import { Tile } from "../panels/tile.tsx";

/** Charts that a phone shows from the start, besides those of which something is unusual; the others are a touch away. */
const FIRST_CHARTS = 4;

interface Props {
  title: string;
  /** `null` until the service has described it. */
  dashboard: Dashboard | null;
  board: Board;
  /** How the page is connected, in the word that the header shows. */
  connection: string;
  now: number;
  minutes: number;
  theme: Theme;
  /** The panel that is shown alone, as `keyOf` names it; empty: all are. */
  only: string;
  show: (only: string) => void;
  /** Whether the range that is shown moves on. */
  follows: boolean;
  /** How old the numbers are, in words; `stale`: older than they should be. */
  age: string;
  stale: boolean;
  /** What they leave out. */
  missing: readonly string[];
  /** Whether its panels can be copied: it is stored where others are. */
  copies?: boolean;
  /** What stands between heading and numbers. */
  children: ComponentChildren;
}

/** The panels whose metrics nothing is counted for yet: each comes by itself with its metric. */
function LeftOut({ of }: { of: Readonly<Record<string, readonly string[]>> }) {
  const titles = Object.entries(of);
  if (!titles.length) return null;
  return (
    <p class="panel empty">
      <span>
        Not shown yet: {titles.map(([title, metrics]) => `${title} (there is no metric ${metrics.join(", ")})`).join(", ")}. Define metrics on the page{" "}
        <a href="/api/dashboard/metrics">Metrics</a>.
      </span>
    </p>
  );
}

export function DashboardPage({ title, dashboard, board, connection, now, minutes, theme, only, show, follows, age, stale, missing, copies, children }: Props) {
  const layout = useMemo(() => dashboard && laidOut(dashboard.panels), [dashboard]);
  const units = useMemo(() => dashboard && new Units(dashboard), [dashboard]);
  const steps = board.range?.steps;
  const entries = useMemo(() => {
    const known = dashboard?.series.map((entry): [string, Entry] => [entry.name, { ...entry, resolution: steps?.get(entry.name) ?? entry.resolution ?? "1s" }]);
    return new Map<string, Entry>(known);
  }, [dashboard, steps]);
  // Charts that draw Drishti's own services have their marks; what is said of the whole is of the user's.
  const every = [...board.insights.values()];
  const insights = ofUsers(every);
  const drawnIncidents = incidents(every, now);
  const all = incidents(insights, now);
  const current = standing(all, now);
  const watching = watched(insights, now);
  const learning = learningSeries(every);
  const groups = together(all.filter((one) => !one.stays));
  const limits = units ? beyond((reading) => board.value(reading), (reading) => units.windowOf(reading)) : [];
  // Of an installation that has received nothing, nothing is said: that it is well, least of all.
  const counted = board.value("freshness_ms") !== null && !(dashboard && isEmpty(board, dashboard.values));
  const alone = dashboard?.panels.find((panel) => keyOf(panel) === only) ?? null;
  usePanelKey(only, show);
  const back = useWayBack(alone ? only : "");
  const [folded, setFolded] = useState(true);
  const later = useMemo(() => new Set(layout?.charts.slice(FIRST_CHARTS)), [layout]);
  const hiddenOnPhones = folded ? [...later].filter((panel) => !unusual(panel)) : [];
  const state = counted ? health(current, watching, connection, silence(insights, now), { groups, limits }) : null;
  return (
    <>
      <div class="heading">
        <div>
          <h1>{title}</h1>
          {dashboard && <p class="muted">{dashboard.description}</p>}
        </div>
        {state && (
          <p class={`health ${state.tone}`}>
            <strong>{state.word}</strong>
            <span class="muted">{state.why}</span>
          </p>
        )}
      </div>
      {children}
      {dashboard && !alone && <StartHere key={dashboard.name} board={board} asked={dashboard.values} origin={location.origin} />}
      {dashboard?.own && !dashboard.panels.length && <p class="panel empty">It has no panels, or none whose metrics are counted yet. Edit adds some.</p>}
      {dashboard?.own && dashboard.panels.length > 0 && !alone && <LeftOut of={dashboard.left_out ?? {}} />}
      {dashboard && !dashboard.own && !dashboard.panels.length && (
        <p class="panel empty">
          <span>
            None of your own is counted yet. Define a KPI or a metric from events on the page <a href="/api/dashboard/metrics">Metrics</a>, or send OpenTelemetry
            metrics: they show here by themselves.
          </span>
        </p>
      )}
      {dashboard && only && !alone && <p class="panel empty">There is no panel “{only}” on this dashboard: these are all that it has.</p>}
      {dashboard && alone && (
        <section class="one-panel" aria-label="One panel">
          <button type="button" ref={back} onClick={() => show("")}>
            Back to all panels
          </button>
          {framed(alone)}
        </section>
      )}
      {dashboard && layout && units && dashboard.panels.length > 0 && !alone && (
        <>
          {layout.arranged ? (
            <section class="placed" aria-label="Panels">
              {dashboard.panels.map((panel, i) => framed(panel, layout.arranged?.[i]))}
            </section>
          ) : (
            <section class="tiles" aria-label="Now" style={layout.numbers}>
              {layout.stats.map((panel) => framed(panel))}
            </section>
          )}
          <section class="grid" aria-label="Insights and charts">
            {layout.insights && <Insights placing={layout.beside[0]} incidents={all} groups={groups} watching={watching} insights={insights} units={units} now={now} ready={counted || board.range !== null} minutes={minutes} />}
            {layout.charts.map((panel, i) => framed(panel, layout.beside[i + (layout.insights ? 1 : 0)], hiddenOnPhones.includes(panel)))}
            {later.size > 0 && (hiddenOnPhones.length > 0 || !folded) && (
              <button type="button" class="unfold" aria-expanded={!folded} onClick={() => setFolded(!folded)}>
                {folded ? `Show ${manyOf(hiddenOnPhones.length, "more chart")}` : "Show fewer charts"}
              </button>
            )}
            <Capacity insights={insights} units={units} now={now} />
            {layout.scores && <Scores insights={insights} units={units} now={now} />}
          </section>
          <section class="lists" aria-label="Lists">
            {layout.lists.map((panel) => framed(panel))}
          </section>
        </>
      )}
    </>
  );

  /** Whether something that is unusual now is drawn in the chart. */
  function unusual(panel: Panel): boolean {
    return (panel.kind === "time_series" || panel.kind === "heatmap") && current.some((one) => askedLines(panel).some(({ reading }) => concerns(one, reading)));
  }

  function framed(panel: Panel, placing?: Placing, hidden = false) {
    if (!units) return null;
    const key = keyOf(panel);
    const drawn: Drawn = { board, units, entries, now, minutes, follows, theme };
    return (
      <Frame
        key={`${dashboard?.name} ${key}`}
        panel={panel}
        drawn={drawn}
        full={panel === alone}
        open={(full) => show(full ? key : "")}
        age={age}
        stale={stale}
        missing={missing}
        dashboard={copies ? dashboard?.name : undefined}
        placing={hidden ? { style: placing?.style ?? {}, class: "not-phone" } : placing}
      >
        {drawnAs(panel, drawn)}
      </Frame>
    );
  }

  function drawnAs(panel: Panel, drawn: Drawn) {
    const { units } = drawn;
    if (panel.kind === "gauge") return <Gauge gauge={panel} board={board} units={units} entries={entries} />;
    if (panel.kind === "stat") return <Tile tile={panel} board={board} units={units} entries={entries} standing={current} now={now} minutes={minutes} />;
    if (panel.kind !== "time_series" && panel.kind !== "heatmap") return <ListPanel panel={panel} drawn={drawn} />;
    return <Chart chart={panel} board={board} entries={entries} units={units} incidents={drawnIncidents} learning={learning} now={now} minutes={minutes} theme={theme} />;
  }
}

/**
 * As somebody arranged the panels; else by their kinds: numbers of now, charts beside the insights, and lists. Insights, and scores
 * of forecasts, are shown by the page where no panel does.
 */
function laidOut(panels: readonly Panel[]) {
  const arranged = isArranged(panels) ? placings(panels) : null;
  const kinds = sections(arranged ? [] : panels);
  const insights = !panels.some(({ kind }) => kind === "incidents" || kind === "events");
  const scores = !panels.some(({ kind }) => kind === "forecast_scores");
  return { ...kinds, arranged, insights, scores, numbers: numbersInRow(kinds.stats.length), beside: chartPlacings(kinds.charts.length, insights) };
}

/** `v` shows the panel alone that has the focus or that is pointed at, and all of them again. */
function usePanelKey(only: string, show: (only: string) => void) {
  const newest = useRef({ only, show });
  newest.current = { only, show };
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.key !== "v" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (event.target instanceof HTMLElement && event.target.closest("input, select, textarea, dialog, [contenteditable]")) return;
      if (newest.current.only) return newest.current.show("");
      const frame = document.activeElement?.closest<HTMLElement>("[data-frame]") ?? document.querySelector<HTMLElement>("[data-frame]:hover");
      if (frame?.dataset.frame) newest.current.show(frame.dataset.frame);
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}

/** The focus goes along: to the way back where one panel is shown, and from there to the panel that was. */
function useWayBack(only: string) {
  const back = useRef<HTMLButtonElement>(null);
  const before = useRef("");
  useEffect(() => {
    if (only) back.current?.focus();
    else if (before.current) document.querySelector<HTMLElement>(`[data-frame="${CSS.escape(before.current)}"] .frame-menu > button`)?.focus();
    before.current = only;
  }, [only]);
  return back;
}
