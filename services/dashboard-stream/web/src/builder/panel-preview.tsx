/** A panel as it would be drawn, from the numbers of the last hour. */
import { useContext, useEffect, useMemo, useState } from "preact/hooks";
import { Chart } from "../charts/chart.tsx";
import type { Theme } from "../charts/palette.ts";
import { type Dashboard, type Entry, Units } from "../model/catalogue.ts";
import type { Metric } from "../model/metrics.ts";
import { type Chart as ChartPanel, isAsked, isOfUsers, type Panel, questionsOf } from "../model/panels.ts";
import type { Gauge as GaugePanel, Stat } from "../model/contracts.ts";
import { Gauge } from "../panels/gauge.tsx";
import { InsightPreview } from "../panels/insight-preview.tsx";
import { ListPanel } from "../panels/list-panel.tsx";
import { Tile } from "../panels/tile.tsx";
import { isInsightPanel } from "./asked-form.tsx";
import { askedFromTheStart } from "./expression-variables.ts";
import { describedAs } from "./preview.ts";
import { KINDS } from "./questions.ts";
import type { Ask } from "../panels/use-values.ts";
import { usePreview } from "./use-preview.ts";
import { Variables } from "./variables-form.tsx";

/** Of charts of seconds; those of minutes, as a preview is, show twelve times as much. */
const MINUTES = 5;
/** Of what is asked of stored spans and numbers. */
const ASKED_MINUTES = 60;
/** Users take their steps over days. */
const USERS_MINUTES = 30 * 24 * 60;
/** After the last key, until what is stored is asked. */
const PAUSE_MS = 400;
const NONE: ReadonlySet<string> = new Set();

interface Props {
  panel: Panel;
  metrics: readonly Metric[];
  ask: Ask;
  theme: Theme;
}

export function PanelPreview({ panel, metrics, ask, theme }: Props) {
  const { board, now, why } = usePreview(panel, metrics, ask);
  const text = JSON.stringify(panel);
  const asked = useAskedPanel(panel);
  const dashboard = useMemo(() => describedAs(panel, metrics), [text, metrics]);
  const units = useMemo(() => new Units(dashboard), [dashboard]);
  const entries = useMemo(() => new Map<string, Entry>(dashboard.series.map((entry) => [entry.name, entry])), [dashboard]);
  return (
    <div class="panel-preview">
      {drawn()}
      {why && <p class="muted">There are no newer numbers: {why}</p>}
    </div>
  );

  function drawn() {
    if (!(panel.kind in KINDS) || (!dashboard.values.length && questionsOf(panel).length > 0)) {
      return (
        <article class="panel">
          <h2>{panel.title}</h2>
          <p class="empty">{panel.kind in KINDS ? "It is drawn once it asks for a metric that is there." : "It is drawn once it is saved."}</p>
        </article>
      );
    }
    if (isInsightPanel(panel)) return <InsightPreview panel={panel} drawn={{ board, units: unitsOf(metrics, dashboard), entries, now, minutes: ASKED_MINUTES, follows: true, theme }} />;
    if (panel.kind === "stat") return <Tile tile={panel} board={board} units={units} entries={entries} standing={[]} now={now} minutes={MINUTES} />;
    if (panel.kind === "gauge") return <Gauge gauge={panel} board={board} units={units} entries={entries} />;
    if (panel.kind !== "time_series" && panel.kind !== "heatmap") return <ListPanel panel={asked && isAsked(panel) ? asked : panel} drawn={{ board, units, entries, now, minutes: isOfUsers(panel) ? USERS_MINUTES : ASKED_MINUTES, follows: true, theme }} />;
    const chart = panel.kind === "time_series" ? { ...panel, range: rangeOf(panel.range), thresholds: panel.thresholds?.filter(({ value }) => typeof value === "number"), bands: panel.bands?.filter(({ lower, upper }) => isEnd(lower) && isEnd(upper)) } : panel;
    return <Chart key={text} chart={chart} board={board} entries={entries} units={units} incidents={[]} learning={NONE} now={now} minutes={MINUTES} theme={theme} />;
  }
}

/** A number, or none: what is typed and not yet a number is neither. */
function isEnd(end: unknown): boolean {
  return end === null || end === undefined || typeof end === "number";
}

/** The panel as it is asked of what is stored: not at each key, and with what variables are from the start. */
function useAskedPanel(panel: Panel): Exclude<Panel, ChartPanel | Stat | GaugePanel> | null {
  const variables = useContext(Variables);
  const text = JSON.stringify(isAsked(panel) ? askedFromTheStart(panel, variables) : null);
  const [settled, settle] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => settle(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return useMemo(() => JSON.parse(settled) as ReturnType<typeof useAskedPanel>, [settled]);
}

/** The units of all metrics: models speak of any. */
function unitsOf(metrics: readonly Metric[], dashboard: Dashboard): Units {
  return new Units({ ...dashboard, units: Object.fromEntries(metrics.map(({ token, unit }) => [token, unit])) });
}

/** Both ends, once they are numbers that rise. */
function rangeOf(range: readonly [unknown, unknown] | null | undefined): [number, number] | null {
  const [low, high] = range ?? [];
  return typeof low === "number" && typeof high === "number" && low < high ? [low, high] : null;
}
