/** The page of all metrics: a list, and beside it the one that is chosen, or the form of one that is written. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { linesOfAnswer } from "../charts/answer-lines.ts";
import { levelsOf } from "../charts/figure.ts";
import { MetricChart } from "../charts/metric-chart.tsx";
import type { Theme } from "../charts/palette.ts";
import { ageInWords, type Asked, wordOf } from "../model/asked.ts";
import type { InsightEvent } from "../model/board.ts";
import type { Editing, Preview, Session } from "../model/definition.ts";
import { time } from "../model/format.ts";
import { type Choice, type Edit, queryOf } from "../model/metric-choice.ts";
import { type Metric, type Metrics, type Sizes, type Wanted } from "../model/metrics.ts";
import { ReadOnly } from "../panels/metric-actions.tsx";
import { MetricForm } from "../panels/metric-form.tsx";
import { MetricList } from "../panels/metric-list.tsx";
import { Notice } from "../panels/notice.tsx";
import { type Drawn, MetricPage } from "./metric.tsx";

interface Props {
  list: Asked<Metrics>;
  /** The chosen one, with what it is made of; of the list until that has come. */
  metric: Metric | null;
  drawn: Asked<Drawn>;
  insights: Asked<InsightEvent[]>;
  sizes: Asked<Sizes>;
  /** Why some series of a metric are not watched, by its token. */
  unwatched: ReadonlyMap<string, string>;
  session: Session | null;
  editing: Editing;
  /** Has what would be drawn of a definition asked; what came of it is `previewed`. */
  preview: (wanted: Preview | null) => void;
  previewed: Asked<Drawn>;
  setUnsaved: (unsaved: boolean) => void;
  /** Something is stored: the metric, or that it is gone or changed. */
  stored: (metric: Metric | null) => void;
  choice: Choice;
  /** Shows another choice; `replace`: without a step to go back to. */
  show: (choice: Partial<Choice>, replace?: boolean) => void;
  retry: () => void;
  redraw: () => void;
  path: string;
  origin: string;
  now: number;
  theme: Theme;
  /** What stands above the list where a key is needed. */
  children: ComponentChildren;
  /** Asks for an editor's key. */
  keyForm: ComponentChildren;
}

export function MetricsPage(props: Props) {
  const { list, metric, unwatched, choice, show, retry, path, origin, now, children } = props;
  const search = useRef<HTMLInputElement>(null);
  useSearchKeys(search);
  const state = wordOf(list, now, LIST_EVERY_MS);
  const addressOf = (one: Metric) => `${path}${queryOf(forMetric(choice, one))}`;
  const beside = choice.metric !== "" || choice.edit === "kpi" || choice.edit === "events";
  return (
    <>
      <div class="heading">
        <div>
          <h1>Metrics</h1>
          <p class="muted">Every metric of this tenant: built in, from packs, from OpenTelemetry, and your own.</p>
        </div>
      </div>
      {children}
      {list.value?.problem && (
        <Notice tone="warn" action="Try now" act={retry}>
          What was seen of the metrics is not known: {list.value.problem}.
        </Notice>
      )}
      {state === "loading" && (
        <p class="panel empty" role="status">
          Loading the metrics…
        </p>
      )}
      {state === "failed" && !list.failure?.key && (
        <Notice tone="bad" action="Try now" act={retry}>
          The metrics cannot be listed: {list.failure?.why}
        </Notice>
      )}
      {state === "stale" && (
        <Notice tone="warn" action="Try now" act={retry}>
          {list.failure ? list.failure.why : "The list was not read again."} Showing the list of {time(list.at)}, {ageInWords(list, now)}.
        </Notice>
      )}
      {list.value && (
        <div class={beside ? "metrics with-metric" : "metrics"}>
          <MetricList
            metrics={list.value.metrics}
            wanted={choice}
            chosen={metric?.name ?? ""}
            now={now}
            known={!list.value.problem}
            unwatched={unwatched}
            want={(wanted: Partial<Wanted>) => show(wanted, true)}
            addressOf={addressOf}
            choose={(one) => show(forMetric(choice, one))}
            endpoint={`${origin}/v1/metrics`}
            search={search}
          >
            <Define {...props} />
          </MetricList>
          {beside && (
            <section class="metric" aria-label={choice.edit ? "Definition" : "Chosen metric"}>
              <Beside {...props} addressOf={addressOf} />
            </section>
          )}
        </div>
      )}
    </>
  );
}

/** How often the list is asked for. */
export const LIST_EVERY_MS = 15_000;

/** Another metric keeps the time and the filters, not the field and the dimensions of the one before. */
function forMetric(choice: Choice, metric: Metric): Choice {
  return metric.name === choice.metric && !choice.edit ? choice : { ...choice, metric: metric.name, field: "", by: [], where: [], edit: "" };
}

function Define({ session, show, keyForm }: Props) {
  const begin = (edit: Edit) => show({ metric: "", field: "", by: [], where: [], edit });
  return (
    <>
      {session?.may_edit && (
        <div class="define" role="group" aria-label="Define a metric">
          <button type="button" class="primary" onClick={() => begin("kpi")}>
            New KPI
          </button>
          <button type="button" onClick={() => begin("events")}>
            New metric from events
          </button>
        </div>
      )}
      <ReadOnly session={session}>{keyForm}</ReadOnly>
    </>
  );
}

function Beside(props: Props & { addressOf: (metric: Metric) => string }) {
  const { list, metric, session, editing, setUnsaved, stored, choice, show, addressOf, now, path } = props;
  const metrics = list.value?.metrics ?? [];
  // What is being written stays where the key ends meanwhile: the form says why it cannot be saved, and the list asks for another key.
  const writing = useRef("");
  if (session?.may_edit) writing.current = choice.edit;
  if (choice.edit && session && !session.may_edit && writing.current !== choice.edit) {
    return (
      <div class="panel empty" role="alert">
        <p>Nothing can be changed here. {session.why}</p>
        <button type="button" onClick={() => show({ edit: "" }, true)}>
          {choice.metric ? "Show the metric" : "Show all metrics"}
        </button>
      </div>
    );
  }
  if (choice.edit === "kpi" || choice.edit === "events" || (choice.edit === "change" && metric)) {
    if (!session) return null;
    const changed = choice.edit === "change" ? metric : null;
    return (
      <MetricForm
        key={`${choice.edit} ${changed?.token ?? ""}`}
        metric={changed}
        what={choice.edit === "events" ? "events" : "kpi"}
        metrics={metrics}
        editing={editing}
        setUnsaved={setUnsaved}
        stored={stored}
        leave={(gone) => {
          setUnsaved(false);
          show(gone ? { edit: "", metric: "" } : { edit: "" }, true);
          if (gone) stored(null);
        }}
        addressOf={addressOf}
        preview={(wanted, why) => <Previewed {...props} wanted={wanted} why={why} />}
      />
    );
  }
  if (metric) {
    return <MetricPage key={metric.token} {...props} metric={metric} metrics={metrics} back={path} now={now} known={!list.value?.problem} />;
  }
  return (
    <article class="panel empty">
      <p>
        There is no metric “<bdi>{choice.metric}</bdi>”. It may never have arrived, or it was deleted.
      </p>
      <button type="button" onClick={() => show({ metric: "", field: "", by: [], search: choice.metric })}>
        Search for it
      </button>
    </article>
  );
}

/** What a definition that is being written would have been, over the last day. */
function Previewed({ wanted, why, preview, previewed, theme, now }: Props & { wanted: Preview | null; why: string }) {
  const expression = wanted?.expression ?? "";
  useEffect(() => preview(wanted), [expression]);
  useEffect(() => () => preview(null), []);
  if (!wanted) return <Empty>{why}</Empty>;
  if (previewed.failure) {
    const events = wanted.events ? "Events that nothing counts yet are drawn once it is saved, when their history is filled. " : "";
    return (
      <Empty>
        {events}It cannot be drawn now: {previewed.failure.why}
      </Empty>
    );
  }
  if (!previewed.value) return <Empty>Loading the last day…</Empty>;
  const { answers, from, to } = previewed.value;
  const lines = linesOfAnswer(answers, { metric: "", field: "value", unit: wanted.unit, by: [] }, from, to);
  if (!lines.lines.length) return <Empty>It would have had no value in the last day: nothing was counted of it, or it would be divided by nothing.</Empty>;
  const levels = levelsOf(wanted.levels);
  return (
    <>
      <MetricChart
        title={`Preview of ${wanted.title}`}
        lines={lines}
        unit={wanted.unit}
        incidents={[]}
        insights={[]}
        levels={levels}
        theme={theme}
        moment={`${expression} ${wanted.unit} ${to} ${JSON.stringify(levels)}`}
      />
      <p class="muted as-of">
        {ageInWords(previewed, now)} · points of {answers.resolution}
      </p>
    </>
  );
}

function Empty({ children }: { children: ComponentChildren }) {
  return (
    <div class="plot">
      <p class="empty" role="status">
        {children}
      </p>
    </div>
  );
}

/** `/` goes to the search from wherever nobody types; Escape in it empties it. */
function useSearchKeys(search: { current: HTMLInputElement | null }) {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const typing = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      if (event.key !== "/" || typing || event.metaKey || event.ctrlKey || event.altKey) return;
      event.preventDefault();
      search.current?.focus();
      search.current?.select();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}
