/** How the values of a metric are spread over the range that is shown. */
import { fetchAnswers } from "../live/analytics.ts";
import { filtersOf } from "../model/conditions.ts";
import type { HistogramPanel, Question } from "../model/contracts.ts";
import { inWords, plain } from "../model/format.ts";
import { FIELDS, type Histogram as Spread, histogramOf, rowsOfHistogram } from "../model/histogram.ts";
import { metricLink } from "../model/metric-choice.ts";
import { AskedPanel } from "./asked-panel.tsx";
import type { Seen } from "./panel-data.ts";

/** As many questions are taken together. */
const SET = 14;
const HOUR_MS = 3_600_000;

interface Answer {
  spread: Spread | null;
  unit: string;
}

async function askedOf({ values }: HistogramPanel, from: number, to: number, signal: AbortSignal): Promise<Answer> {
  const filters = filtersOf(values);
  const questions = FIELDS.map((aggregate): Question => ({ metric: values.metric, aggregate, ...(filters.length ? { filters } : {}) }));
  const resolutions = to - from > 6 * HOUR_MS ? ["1h", "1d"] : ["1m", "1h"];
  const sets = await Promise.all(
    Array.from({ length: Math.ceil(questions.length / SET) }, (_, i) => fetchAnswers({ questions: questions.slice(i * SET, (i + 1) * SET), from, to, resolutions }, signal)),
  );
  const answers = sets.flatMap((set) => set.answers);
  const totals = new Map(FIELDS.map((field, i) => [field, answers[i]?.series[0]?.total ?? null]));
  return { spread: histogramOf(totals), unit: answers[FIELDS.indexOf("p50")]?.unit ?? "" };
}

export function Histogram({ panel, seen }: { panel: HistogramPanel; seen: Seen }) {
  const unitOf = (answer: Answer) => panel.unit || answer.unit;
  return (
    <AskedPanel
      title={panel.title}
      link={metricLink({ metric: panel.values.metric, field: "p95" })}
      asks={JSON.stringify(panel.values)}
      seen={seen}
      kind="histogram"
      ask={(from, to, signal) => askedOf(panel, from, to, signal)}
      rows={(answer) => (answer.spread ? rowsOfHistogram(answer.spread, unitOf(answer)) : null)}
    >
      {(answer) => (answer.spread ? <Drawing title={panel.title} spread={answer.spread} unit={unitOf(answer)} /> : <p class="empty">Nothing was observed in this range.</p>)}
    </AskedPanel>
  );
}

function Drawing({ title, spread, unit }: { title: string; spread: Spread; unit: string }) {
  const { bins, count, p50, p95 } = spread;
  const most = Math.max(...bins.map((bin) => bin.count), 1e-9);
  const [first, last] = [bins[0], bins.at(-1)];
  const middle = bins[Math.floor(bins.length / 2)];
  const words = `${plain(count, "{observation}")} values: half of them up to ${inWords(p50, unit)}, 95 % up to ${inWords(p95, unit)}`;
  return (
    <>
      <div class="spread" role="img" aria-label={`${title}. ${words}`}>
        {bins.map((bin) => (
          <span key={bin.from} class={bin.from >= p95 ? "slow" : ""} title={`${inWords(bin.from, unit)} to ${inWords(bin.to, unit)}: about ${plain(Math.round(bin.count), "{observation}")} (${inWords(bin.count / count, "share")})`}>
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
      <p class="muted">{words}. Drawn from percentiles.</p>
    </>
  );
}
