/** What the numbers of a panel are: their definition in words, how they are split, how fine and how fresh they are, and what is not in them. */
import { Fragment } from "preact";
import { useContext, useEffect, useRef } from "preact/hooks";
import { fetchMetric } from "../live/analytics.ts";
import { useAsked } from "../live/use-asked.ts";
import { conditionsInWords } from "../model/conditions.ts";
import type { PanelQuestion, QueryPanel } from "../model/contracts.ts";
import { duration, whole } from "../model/format.ts";
import { metricLink } from "../model/metric-choice.ts";
import { fieldInWords, kindInWords, type Metric } from "../model/metrics.ts";
import { isAsked, type Panel, questionsOf, readingOf } from "../model/panels.ts";
import { meaning } from "../model/provenance.ts";
import { AskedAnswer } from "./asked-answer.tsx";
import { MadeOf } from "./made-of.tsx";
import type { Drawn } from "./panel-data.ts";
import { StoredAnswers } from "./stored-answers.ts";

/** A definition does not change while somebody reads it. */
const NEVER_MS = 1_000_000_000;

/** Where what a panel shows comes from, where no metric says it. */
const SOURCES: Partial<Record<Panel["kind"], string>> = {
  events: "Anomalies that models report: each stands until it is over, with what was measured, what was expected, and since when.",
  incidents: "Anomalies that began within two minutes of one another are one incident, which is open until all of them are over.",
  forecast_scores: "Each forecast is compared with what happened once its time has come: its mean error against that of the value one season earlier, and how often the interval held.",
  traces: "Stored spans are searched over the range that is shown; which traces are kept is a matter of sampling and retention.",
  errors: "Failed spans and their exceptions, grouped by service, type, place and template of the message.",
  query: "Stored numbers, merged exactly over the range that is shown: a ratio is one of sums, and a percentile that of all observations.",
  service_map: "Calls between services, out of spans: their rate, the share that failed, and their percentiles within 1 %.",
  funnel: "Users counted one by one from stored events, exactly and up to the last one: who did the steps in this order within the window.",
  retention: "Users counted one by one from stored events, exactly and up to the last one: of those who began in a period, who came back in later ones.",
  journeys: "Paths of users, one by one from stored events: what each did after another, with the time between, and the latency and failures of the second.",
  histogram: "All values of the metric over the range that is shown, counted exactly in ranges of values, each as many times as wide as the one below it.",
};

interface Props {
  panel: Panel;
  drawn: Drawn;
  /** How old its numbers are, in words. */
  age: string;
  /** What numbers of the dashboard leave out. */
  missing: readonly string[];
  close: () => void;
}

export function Explain({ panel, drawn, age, missing, close }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const isStored = useContext(StoredAnswers) !== null;
  useEffect(() => dialog.current?.showModal(), []);
  const asked = new Map<string, PanelQuestion[]>();
  for (const [, question] of questionsOf(panel)) asked.set(readingOf(question), [...(asked.get(readingOf(question)) ?? []), question]);
  return (
    <dialog ref={dialog} class="explain" aria-label={`What ${panel.title} shows`} onClose={close} onClick={(event) => event.target === event.currentTarget && event.currentTarget.close()}>
      <div>
        <h2>
          <bdi>{panel.title}</bdi>
          <button type="button" aria-label="Close" onClick={() => dialog.current?.close()}>
            ×
          </button>
        </h2>
        {panel.description && <p dir="auto">{panel.description}</p>}
        {SOURCES[panel.kind] && <p>{SOURCES[panel.kind]}</p>}
        {panel.kind === "histogram" && (
          <p>
            Metric <a href={metricLink({ metric: panel.values.metric, field: "p95" })}>{panel.values.metric}</a>
          </p>
        )}
        {panel.kind === "query" && <Queries panel={panel} />}
        {[...asked].map(([reading, questions]) => (
          <One key={reading} reading={reading} questions={questions} drawn={drawn} />
        ))}
        <h3>How fresh, how complete</h3>
        <p>{isAsked(panel) && isStored ? "Stored in this capsule, as it was when it was saved." : isAsked(panel) ? "Asked of what is stored, again and again while it is seen; where an answer is old, its age stands beside the title." : drawn.board.range?.whole ? `Read from stored rollups: ${age}.` : `Live: ${age}.`}</p>
        {missing.length ? (
          <ul>
            {missing.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        ) : (
          <p class="muted">Nothing is known to be missing.</p>
        )}
      </div>
    </dialog>
  );
}

/** What each query asks, as it is written. */
function Queries({ panel }: { panel: QueryPanel }) {
  return (
    <dl>
      {panel.queries.map((query, place) => (
        <Fragment key={place}>
          <dt>
            <bdi>{query.name || `Query ${place + 1}`}</bdi>
          </dt>
          <dd>
            {query.metric ? (
              <a href={metricLink({ metric: query.metric, field: query.aggregate })}>
                <bdi>
                  {query.metric} {fieldInWords(query.aggregate ?? "")}
                </bdi>
              </a>
            ) : (
              <code>{query.expression}</code>
            )}
            {[conditionsInWords(query), query.where, query.group_by?.length ? `by ${query.group_by.join(", ")}` : ""].filter(Boolean).map((one) => (
              <bdi key={one}>, {one}</bdi>
            ))}
          </dd>
        </Fragment>
      ))}
    </dl>
  );
}

function One({ reading, questions, drawn }: { reading: string; questions: PanelQuestion[]; drawn: Drawn }) {
  const [question] = questions as [PanelQuestion];
  const { metric, field } = question;
  const isStored = useContext(StoredAnswers) !== null;
  const [asked, retry] = useAsked(isStored ? null : metric, NEVER_MS, (signal) => fetchMetric(metric, signal));
  return (
    <section>
      <h3>
        <a href={metricLink(question)}>
          <bdi>{asked.value?.name ?? metric}</bdi> {fieldInWords(field)}
        </a>
      </h3>
      {isStored && <p class="muted">What the metric is, is not in a capsule. Of this one: {over(reading, question, drawn)}, {resolution(reading, question, drawn)}.</p>}
      {!isStored && (
        <AskedAnswer asked={asked} retry={retry}>
          {(known) => (
            <>
              {known.description && <p dir="auto">{known.description}</p>}
              <dl>
                <dt>Means</dt>
                <dd>{meaning(known, field)}</dd>
                {known.expression && (
                  <>
                    <dt>Computed as</dt>
                    <dd>
                      <code>{known.expression}</code>
                    </dd>
                  </>
                )}
                <dt>Metric</dt>
                <dd>
                  {kindInWords(known.kind)}, <code>{known.token}</code>
                  {known.unit && `, in ${known.unit}`}
                </dd>
                <dt>Time range</dt>
                <dd>{over(reading, question, drawn)}</dd>
                {conditionsInWords(question) && (
                  <>
                    <dt>Only of</dt>
                    <dd>
                      <bdi>{conditionsInWords(question)}</bdi>
                    </dd>
                  </>
                )}
                <dt>Split by</dt>
                <dd>{split(reading, questions, drawn)}</dd>
                <dt>Resolution</dt>
                <dd>{resolution(reading, question, drawn)}</dd>
                {full(known) && (
                  <>
                    <dt>Limit</dt>
                    <dd>{full(known)}</dd>
                  </>
                )}
              </dl>
              {known.made_of && known.made_of.length > 0 && <MadeOf parts={known.made_of} metrics={[]} addressOf={() => ""} />}
            </>
          )}
        </AskedAnswer>
      )}
    </section>
  );
}

function over(reading: string, { span }: PanelQuestion, { board, units }: Drawn): string {
  if (board.range?.whole) return "the whole range that is shown";
  if (span) return span === "1h" ? "the clock hour (UTC) that runs" : "the 24 newest clock hours (UTC), with the one that runs";
  const seconds = units.windowOf(reading);
  return seconds === null ? "each point for itself" : `the last ${duration(seconds * 1000)}`;
}

function split(reading: string, questions: readonly PanelQuestion[], { board }: Drawn): string {
  const labels = [...new Set(questions.flatMap((question) => question.by ?? []))];
  if (!labels.length) return "nothing: all of it together";
  return labels.map((label) => `${label}: ${whole(board.labelValues(reading, label).length)} values here`).join(", ");
}

function resolution(reading: string, { span, resolution: asked }: PanelQuestion, { board }: Drawn): string {
  if (span) return "hours, added exactly";
  const step = board.range?.steps.get(reading);
  return step ? `points of ${step}, from stored rollups` : `a point each ${asked === "1m" ? "minute" : "second"}`;
}

function full({ series, max_series }: Metric): string {
  if (series === undefined || series < max_series) return "";
  return `its series are at the limit of ${whole(max_series)}: what is beyond it is counted as “other” and cannot be told apart`;
}
