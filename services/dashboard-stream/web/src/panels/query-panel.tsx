/** Anything that stored numbers answer: asked over the range that is shown, and drawn as the panel says. */
import { useContext } from "preact/hooks";
import { MetricChart } from "../charts/metric-chart.tsx";
import type { Theme } from "../charts/palette.ts";
import { linesOfTotals } from "../charts/query-lines.ts";
import { type Drawn as DrawnLine, spark } from "../charts/lines.ts";
import { type Came, cameOf } from "../live/query-answer.ts";
import { differenceInWords } from "../model/compared.ts";
import type { QueryPanel as Query, StoredQuery } from "../model/contracts.ts";
import type { DataTable } from "../model/data-table.ts";
import { standing } from "../model/definition.ts";
import { inWords, show } from "../model/format.ts";
import { LIMIT_WORDS, limitsOf } from "../model/limits.ts";
import { metricLink } from "../model/metric-choice.ts";
import { OVER_TIME, keyOf } from "../model/panels.ts";
import { foldedParts } from "../model/parts.ts";
import { nameOfQuery, nameOfTotal, partsOf, type Total, unitAt } from "../model/stored-query.ts";
import { AsTable } from "./as-table.ts";
import { AskedPanel } from "./asked-panel.tsx";
import { BarList } from "./bars.tsx";
import { DataView } from "./data-view.tsx";
import type { Drawn } from "./panel-data.ts";
import { QueryTable } from "./query-table.tsx";
import { ShareList } from "./shares.tsx";

const WIDTH = 160;
const HEIGHT = 34;
/** More cannot be distinguished by their colours. */
const MOST_PARTS = 8;
/** The largest ones of a list of bars. */
const MOST_BARS = 16;

interface Props {
  panel: Query;
  drawn: Drawn;
}

export function QueryPanel({ panel, drawn }: Props) {
  const { theme } = drawn;
  const asTable = useContext(AsTable);
  const how = panel.show ?? "line";
  const { before } = drawn.board;
  const distance = before?.offset ?? 0;
  const only = panel.queries.length === 1 ? panel.queries[0] : undefined;
  return (
    <AskedPanel
      id={keyOf(panel)}
      title={panel.title}
      link={only?.metric ? metricLink({ metric: only.metric, field: only.aggregate, by: only.group_by?.[0] ?? null, only: only.only }) : ""}
      look={how === "stat" ? "tile" : OVER_TIME.has(how) ? "panel chart" : `panel ${how === "bar" ? "bars" : how}`}
      asks={JSON.stringify([panel, distance])}
      seen={drawn}
      kind="query"
      ask={(from, to, signal) => cameOf(panel, { from, to }, distance, signal)}
      rows={(came) => rowsOf(panel, came)}
    >
      {(came) => (
        <>
          {asTable ? <DataView title={panel.title} data={rowsOf(panel, came)} /> : <Drawing panel={panel} came={came} distance={distance} words={before?.words} theme={theme} />}
          {came.problems.map((one) => (
            <p class="muted problem" key={one}>
              {one}
            </p>
          ))}
        </>
      )}
    </AskedPanel>
  );
}

interface DrawingProps {
  panel: Query;
  came: Came;
  distance: number;
  /** The period before, in words. */
  words: string | undefined;
  theme: Theme;
}

function Drawing({ panel, came, distance, words, theme }: DrawingProps) {
  const { queries } = panel;
  const how = panel.show ?? "line";
  const { unit } = came;
  if (how === "stat") return <Stat panel={panel} came={came} words={words} />;
  if (OVER_TIME.has(how)) {
    const lines = linesOfTotals({ queries, ...came, offset: distance, now: came.to });
    if (!lines.lines.length) return <div class="plot"><p class="empty">No data in this range</p></div>;
    return (
      <MetricChart
        title={panel.title}
        id={panel.id ?? panel.title}
        lines={lines}
        unit={unit}
        incidents={[]}
        insights={[]}
        levels={(panel.thresholds ?? []).map(({ value, word, tone }) => ({ value, word, tone: tone ?? "warn" }))}
        style={how as "line"}
        before={came.before ? words : undefined}
        theme={theme}
        moment={`${came.at} ${JSON.stringify(panel)}`}
      />
    );
  }
  const parts = partsOf(came.totals, queries);
  if (how === "table") return <QueryTable panel={panel} came={came} />;
  if (how === "pie") {
    const { parts: shares, whole } = foldedParts(parts, MOST_PARTS, null);
    return shares.length ? <ShareList title={panel.title} parts={shares} whole={whole} unit={unit} linkOf={() => ""} /> : <p class="empty">No data in this range</p>;
  }
  return parts.length ? (
    <>
      <BarList parts={parts.slice(0, MOST_BARS)} unit={unit} linkOf={() => ""} />
      {parts.length > MOST_BARS && <p class="muted">and {parts.length - MOST_BARS} more</p>}
    </>
  ) : (
    <p class="empty">No data in this range</p>
  );
}

function Stat({ panel, came, words }: { panel: Query; came: Came; words: string | undefined }) {
  const first = came.totals.find(({ query }) => query === 0);
  const value = first?.series.total ?? null;
  const shown = show(value, came.unit);
  const limits = limitsOf(panel.limits, undefined);
  const tone = standing(limits, value);
  const line = lineOf(first, 0);
  const earlier = came.before?.find(({ query }) => query === 0);
  return (
    <>
      <p class={`number ${tone === "good" ? "" : tone}`}>
        <span>{shown.text}</span>
        <small>{shown.unit}</small>
        {tone && <em class={tone}>{LIMIT_WORDS[tone]}</em>}
      </p>
      <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path d={spark(line, came.from, came.to, WIDTH, HEIGHT)} />
      </svg>
      {came.before && words && (
        <p class="compared">
          {differenceInWords(value, earlier?.series.total, came.unit, words)}
          {earlier?.series.total != null && <span class="muted"> ({inWords(earlier.series.total, came.unit)})</span>}
        </p>
      )}
      <p class="more">
        <span>whole range</span>
        {limits.target !== undefined && (
          <span>
            target <b>{inWords(limits.target, came.unit)}</b>
          </span>
        )}
        {came.totals
          .filter(({ query }) => query > 0)
          .map((total) => (
            <span key={total.query}>
              <b>{inWords(total.series.total, unitAt(came, total.query))}</b> {nameOfQuery(panel.queries[total.query] as StoredQuery)}
            </span>
          ))}
      </p>
    </>
  );
}

function lineOf(total: Total | undefined, offset: number): DrawnLine {
  const points = total?.series.points ?? [];
  return { x: points.map(([at]) => at + offset), y: points.map(([, value]) => value) };
}

/** What is shown as rows: for a chart one for each instant, the newest first; else one for each number. */
export function rowsOf(panel: Query, came: Came): DataTable {
  const { queries } = panel;
  const names = came.totals.map((total) => nameOfTotal(total, queries));
  if (!OVER_TIME.has(panel.show ?? "line")) {
    // Numbers of several units stand below each other.
    const unit = new Set(came.totals.map((total) => unitAt(came, total.query))).size > 1 ? "" : came.unit;
    const earlier = (total: Total) => came.before?.find((one) => one.query === total.query && one.group === total.group)?.series.total ?? null;
    return {
      columns: [
        { title: "Name", unit: "", kind: "text" },
        { title: "Value", unit, kind: "number" },
        ...(came.before ? [{ title: "Before", unit, kind: "number" as const }] : []),
      ],
      rows: came.totals.map((total, i) => [names[i] as string, total.series.total, ...(came.before ? [earlier(total)] : [])]),
    };
  }
  const columns = came.totals.map(({ series }) => new Map(series.points.map(([at, value]) => [at, value])));
  const times = [...new Set(came.totals.flatMap(({ series }) => series.points.map(([at]) => at)))].sort((a, b) => b - a);
  return {
    columns: [{ title: "Time", unit: "", kind: "time" }, ...names.map((title, i) => ({ title, unit: unitAt(came, came.totals[i]?.query ?? 0), kind: "number" as const }))],
    rows: times.map((at) => [at, ...columns.map((column) => column.get(at) ?? null)]),
  };
}
