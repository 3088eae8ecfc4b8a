/** How the values of a metric are spread over the range that is shown: in all, or over time as a heat map. */
import { useMemo } from "preact/hooks";
import type { ChartLine, ChartLines } from "../charts/chart-lines.ts";
import { heatFigure } from "../charts/figure.ts";
import { useLeft } from "../charts/left.ts";
import { palette, type Theme } from "../charts/palette.ts";
import { PictureOf, pngOf } from "../charts/picture.ts";
import { usePlot } from "../charts/plot.ts";
import { askedOf, type SpreadAnswer as Answer } from "../live/histogram-answer.ts";
import type { HistogramPanel } from "../model/contracts.ts";
import { inWords, plain } from "../model/format.ts";
import { type Histogram as Spread, rowsOfHistogram } from "../model/histogram.ts";
import { metricLink } from "../model/metric-choice.ts";
import { keyOf } from "../model/panels.ts";
import { AskedPanel } from "./asked-panel.tsx";
import type { Drawn } from "./panel-data.ts";

export function Histogram({ panel, seen }: { panel: HistogramPanel; seen: Drawn }) {
  const overTime = panel.style === "heatmap";
  const unitOf = (answer: Answer) => panel.unit || answer.unit;
  return (
    <AskedPanel
      id={keyOf(panel)}
      title={panel.title}
      link={metricLink({ metric: panel.values.metric, field: "p95" })}
      look={overTime ? "panel chart" : "panel"}
      asks={JSON.stringify([panel.values, panel.style])}
      seen={seen}
      kind="histogram"
      ask={(from, to, signal) => askedOf(panel, from, to, signal)}
      rows={(answer) => (answer.spread ? rowsOfHistogram(answer.spread, unitOf(answer), (value) => inWords(value, unitOf(answer)), overTime) : null)}
    >
      {(answer) =>
        !answer.spread ? (
          <p class="empty">Nothing was observed in this range.</p>
        ) : overTime ? (
          <OverTime title={panel.title} answer={answer} spread={answer.spread} unit={unitOf(answer)} theme={seen.theme} />
        ) : (
          <Bars title={panel.title} spread={answer.spread} unit={unitOf(answer)} />
        )
      }
    </AskedPanel>
  );
}

function inAll({ count, p50, p95 }: Spread, unit: string): string {
  return `${plain(count, "{observation}")} values: half of them up to ${inWords(p50, unit)}, 95 % up to ${inWords(p95, unit)}`;
}

function Bars({ title, spread, unit }: { title: string; spread: Spread; unit: string }) {
  const { bins, count, p95 } = spread;
  const most = Math.max(...bins.map((bin) => bin.count), 1e-9);
  const [first, last] = [bins[0], bins.at(-1)];
  const middle = bins[Math.floor(bins.length / 2)];
  const words = inAll(spread, unit);
  return (
    <>
      <div class="spread" role="img" aria-label={`${title}. ${words}`}>
        {bins.map((bin) => (
          <span key={bin.from} class={bin.from >= p95 ? "slow" : ""} title={`${inWords(bin.from, unit)} to ${inWords(bin.to, unit)}: ${plain(bin.count, "{observation}")} (${inWords(bin.count / count, "share")})`}>
            <i style={{ height: `${bin.count > 0 ? Math.max(1, (bin.count / most) * 100) : 0}%` }} />
          </span>
        ))}
      </div>
      {first && last && middle && (
        <p class="scale" aria-hidden="true">
          <small>{inWords(first.from, unit)}</small>
          {bins.length > 2 && <small>{inWords(middle.from, unit)}</small>}
          <small>{inWords(last.to, unit)}</small>
        </p>
      )}
      <p class="muted">{words}.</p>
    </>
  );
}

function OverTime({ title, answer, spread, unit, theme }: { title: string; answer: Answer; spread: Spread; unit: string; theme: Theme }) {
  const lines = useMemo(() => linesOf(spread, unit, answer), [spread, unit, answer]);
  const figure = () => heatFigure(lines, palette(theme), { width: host.current?.clientWidth ?? 0, height: host.current?.clientHeight ?? 0 });
  const { host } = usePlot(figure, `${answer.at} ${unit} ${theme}`, false, "heatmap");
  useLeft(PictureOf, () => pngOf(figure(), title, theme));
  const words = inAll(spread, unit);
  return (
    <>
      <div class="plot">
        <div ref={host} class="host" role="img" aria-label={`${title} over time. ${words}`} />
      </div>
      <p class="muted">{words}. Darker is more.</p>
    </>
  );
}

/** A row for each range of values, the largest at the top. */
function linesOf({ bins, steps }: Spread, unit: string, { from, to }: Answer): ChartLines {
  const lines = bins.map(
    ({ from: least }, row): ChartLine => ({
      series: String(row),
      title: `from ${inWords(least, unit)}`,
      tooltip: undefined,
      entry: { name: String(row), metric: "", field: "count", unit: "", labels: [], total: true },
      last: row,
      slot: 0,
      dashed: false,
      points: { x: steps.map(([at]) => at), y: steps.map(([, counts]) => counts[row] ?? 0) },
    }),
  );
  return { lines, more: 0, from, now: to };
}
