/** One dashboard: its heading with the state of what it shows, tiles, insights, charts and lists. */
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { Chart } from "../charts/chart.tsx";
import type { Theme } from "../charts/palette.ts";
import type { Board } from "../model/board.ts";
import { type Dashboard, type Entry, Units } from "../model/catalogue.ts";
import { beyond, health, silence } from "../model/health.ts";
import { incidents, standing, together } from "../model/incidents.ts";
import { sections } from "../model/panels.ts";
import { learningSeries, watched } from "../model/watching.ts";
import { Capacity } from "../panels/capacity-card.tsx";
import { Insights } from "../panels/insights-panel.tsx";
import { StartHere } from "../panels/start-here.tsx";
import { Scores } from "../panels/score-card.tsx";
import { Gauge } from "../panels/gauge.tsx";
import { ListPanel } from "../panels/list-panel.tsx";
import { Tile } from "../panels/tile.tsx";

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
  /** What stands between heading and numbers. */
  children: ComponentChildren;
}

export function DashboardPage({ title, dashboard, board, connection, now, minutes, theme, children }: Props) {
  const layout = useMemo(() => dashboard && sections(dashboard.panels), [dashboard]);
  const units = useMemo(() => dashboard && new Units(dashboard), [dashboard]);
  const steps = board.range?.steps;
  const entries = useMemo(() => {
    const known = dashboard?.series.map((entry): [string, Entry] => [entry.name, { ...entry, resolution: steps?.get(entry.name) ?? entry.resolution ?? "1s" }]);
    return new Map<string, Entry>(known);
  }, [dashboard, steps]);
  const insights = [...board.insights.values()];
  const all = incidents(insights, now);
  const current = standing(all, now);
  const watching = watched(insights, now);
  const learning = learningSeries(insights);
  const groups = together(all.filter((one) => !one.stays));
  const limits = units ? beyond((reading) => board.value(reading), (reading) => units.windowOf(reading)) : [];
  const counted = board.value("freshness_ms") !== null;
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
      {dashboard && <StartHere key={dashboard.name} board={board} asked={dashboard.values} origin={location.origin} />}
      {dashboard && !dashboard.series.length && (
        <p class="panel empty">
          None of your own is counted yet. Define a KPI or a metric from events on the page <a href="/api/dashboard/metrics">Metrics</a>, or send OpenTelemetry
          metrics: they show here by themselves.
        </p>
      )}
      {dashboard && layout && units && dashboard.series.length > 0 && (
        <>
          <section class="tiles" aria-label="Now">
            {layout.stats.map((panel) =>
              panel.kind === "gauge" ? (
                <Gauge key={panel.id ?? panel.title} gauge={panel} board={board} units={units} entries={entries} />
              ) : (
                <Tile key={panel.id ?? panel.title} tile={panel} board={board} units={units} entries={entries} standing={current} now={now} minutes={minutes} />
              ),
            )}
          </section>
          <section class={layout.charts.length ? "grid" : "grid no-charts"} aria-label="Insights and charts">
            <Insights incidents={all} groups={groups} watching={watching} insights={insights} units={units} now={now} ready={counted || board.range !== null} minutes={minutes} />
            {layout.charts.map((chart) => (
              <Chart
                key={`${dashboard.name} ${chart.id ?? chart.title}`}
                chart={chart}
                board={board}
                entries={entries}
                units={units}
                incidents={all}
                learning={learning}
                now={now}
                minutes={minutes}
                theme={theme}
              />
            ))}
            <Capacity insights={insights} units={units} now={now} beside={layout.charts.length} />
            <Scores insights={insights} units={units} />
          </section>
          <section class="lists" aria-label="Lists">
            {layout.lists.map((panel) => (
              <ListPanel key={panel.id ?? panel.title} panel={panel} board={board} units={units} now={now} />
            ))}
          </section>
        </>
      )}
    </>
  );
}
