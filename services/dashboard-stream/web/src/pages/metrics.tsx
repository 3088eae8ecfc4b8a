/** The page of all metrics: a list, and beside it the one that is chosen, drawn with its anomalies, its forecast and its definition. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { linesOfAnswer } from "../charts/answer-lines.ts";
import { MetricChart } from "../charts/metric-chart.tsx";
import type { Theme } from "../charts/palette.ts";
import { ageInWords, type Asked, wordOf } from "../model/asked.ts";
import type { InsightEvent } from "../model/board.ts";
import type { QueryAnswer } from "../model/contracts.ts";
import { time } from "../model/format.ts";
import { incidents } from "../model/incidents.ts";
import { type Choice, drawnOf, queryOf, RANGES } from "../model/metric-choice.ts";
import { drawable, fieldInWords, fieldUnit, type Metric, type Metrics, named, seenInWords, type Wanted } from "../model/metrics.ts";
import { MetricAnomalies } from "../panels/metric-anomalies.tsx";
import { Cardinality, MetricDefinition } from "../panels/metric-definition.tsx";
import { MetricList } from "../panels/metric-list.tsx";

/** An answer with the end of the time that it was asked for. */
export interface Drawn {
  answer: QueryAnswer;
  metric: string;
  field: string;
  split: string;
  range: string;
  to: number;
}

interface Props {
  list: Asked<Metrics>;
  drawn: Asked<Drawn>;
  insights: Asked<InsightEvent[]>;
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
}

export function MetricsPage({ list, drawn, insights, choice, show, retry, redraw, path, origin, now, theme, children }: Props) {
  const search = useRef<HTMLInputElement>(null);
  useSearchKeys(search);
  const metric = list.value && choice.metric ? named(list.value.metrics, choice.metric) : null;
  const state = wordOf(list, now, LIST_EVERY_MS);
  const addressOf = (one: Metric) => `${path}${queryOf(forMetric(choice, one))}`;
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
        <div class={choice.metric ? "metrics with-metric" : "metrics"}>
          <MetricList
            metrics={list.value.metrics}
            wanted={choice}
            chosen={metric?.name ?? ""}
            now={now}
            known={!list.value.problem}
            want={(wanted: Partial<Wanted>) => show(wanted, true)}
            addressOf={addressOf}
            choose={(one) => show(forMetric(choice, one))}
            endpoint={`${origin}/v1/metrics`}
            search={search}
          />
          {choice.metric && (
            <section class="metric" aria-label="Chosen metric">
              {metric ? (
                <Shown
                  key={metric.token}
                  metric={metric}
                  drawn={drawn}
                  insights={insights}
                  choice={choice}
                  show={show}
                  redraw={redraw}
                  back={path}
                  origin={origin}
                  now={now}
                  known={!list.value.problem}
                  theme={theme}
                />
              ) : (
                <article class="panel empty">
                  <p>
                    There is no metric “<bdi>{choice.metric}</bdi>”. It may never have arrived, or it was deleted.
                  </p>
                  <button type="button" onClick={() => show({ metric: "", field: "", split: "", search: choice.metric })}>
                    Search for it
                  </button>
                </article>
              )}
            </section>
          )}
        </div>
      )}
    </>
  );
}

/** How often the list is asked for. */
export const LIST_EVERY_MS = 15_000;

/** Another metric keeps the time and the filters, not the field and the dimension of the one before. */
function forMetric(choice: Choice, metric: Metric): Choice {
  return metric.name === choice.metric ? choice : { ...choice, metric: metric.name, field: "", split: "" };
}

interface ShownProps {
  metric: Metric;
  drawn: Asked<Drawn>;
  insights: Asked<InsightEvent[]>;
  choice: Choice;
  show: (choice: Partial<Choice>, replace?: boolean) => void;
  redraw: () => void;
  back: string;
  origin: string;
  now: number;
  /** Whether it is known what was seen of the metric. */
  known: boolean;
  theme: Theme;
}

function Shown({ metric, drawn, insights, choice, show, redraw, back, origin, now, known, theme }: ShownProps) {
  const { field, split } = drawnOf(metric, choice);
  const heading = useRef<HTMLHeadingElement>(null);
  // Where the list makes room for the metric, so must the focus.
  useEffect(() => {
    if (matchMedia("(max-width: 1180px)").matches) heading.current?.focus({ preventScroll: true });
  }, []);
  const about = insights.value ?? [];
  const all = incidents(about, now);
  const fields = drawable(metric, split);
  return (
    <>
      <article class="panel chart metric-chart">
        <a
          class="back"
          href={back}
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
            event.preventDefault();
            show({ metric: "", field: "", split: "" });
          }}
        >
          ← All metrics
        </a>
        <h2 ref={heading} tabIndex={-1}>
          <bdi>{metric.name}</bdi>
          <small>
            {metric.kind} · {metric.unit} · last seen {seenInWords(metric, now, known)}
          </small>
        </h2>
        {metric.description && <p class="muted">{metric.description}</p>}
        <div class="choices">
          <label>
            <span>Field</span>
            <select value={field} onChange={(event) => show({ field: event.currentTarget.value })}>
              {(fields.includes(field) ? fields : [...fields, field]).map((one) => (
                <option key={one} value={one}>
                  {fieldInWords(one)}
                </option>
              ))}
            </select>
          </label>
          {metric.dimensions.length > 0 && (
            <label>
              <span>Split by</span>
              <select value={split} onChange={(event) => show({ split: event.currentTarget.value, field: choice.field })}>
                <option value="">nothing</option>
                {metric.dimensions.map((one) => (
                  <option key={one} value={one}>
                    {one}
                  </option>
                ))}
              </select>
            </label>
          )}
          <div class="segments" role="group" aria-label="Time shown">
            {RANGES.map((range) => (
              <button type="button" key={range.name} aria-pressed={range === choice.range} onClick={() => show({ range })}>
                {range.title}
              </button>
            ))}
          </div>
        </div>
        <Drawing metric={metric} field={field} split={split} choice={choice} drawn={drawn} about={about} now={now} known={known} theme={theme} redraw={redraw} show={show} origin={origin} />
      </article>
      <div class="metric-about">
        <MetricAnomalies metric={metric} incidents={all} now={now} why={insights.value ? "" : (insights.failure?.why ?? "")} />
        <Cardinality metric={metric} known={known} />
        <MetricDefinition metric={metric} known={known} endpoint={`${origin}/api/analytics/metrics/${encodeURIComponent(metric.name)}`} />
      </div>
    </>
  );
}

interface DrawingProps {
  metric: Metric;
  field: string;
  split: string;
  choice: Choice;
  drawn: Asked<Drawn>;
  about: InsightEvent[];
  now: number;
  known: boolean;
  theme: Theme;
  redraw: () => void;
  show: (choice: Partial<Choice>) => void;
  origin: string;
}

function Drawing({ metric, field, split, choice, drawn, about, now, known, theme, redraw, show, origin }: DrawingProps) {
  const { range } = choice;
  const word = wordOf(drawn, now, range.every_ms);
  if (word === "failed") {
    return (
      <div class="plot">
        <div class="empty" role="alert">
          <p>It cannot be drawn: {drawn.failure?.why}</p>
          <button type="button" onClick={redraw}>
            Try again
          </button>
        </div>
      </div>
    );
  }
  const unit = fieldUnit(metric, field);
  const lines = drawn.value && linesOfAnswer(drawn.value.answer, field, unit, split, drawn.value.to - range.ms, drawn.value.to);
  if (!drawn.value || !lines) {
    return (
      <div class="plot">
        <p class="empty" role="status">
          Loading the last {range.title}…
        </p>
      </div>
    );
  }
  const title = `${metric.name}, ${fieldInWords(field)}${split && ` by ${split}`}`;
  return (
    <>
      {lines.lines.length ? (
        <MetricChart
          title={title}
          lines={lines}
          unit={unit}
          incidents={incidents(about, now)}
          insights={about}
          theme={theme}
          moment={`${title} ${range.name} ${drawn.value.to} ${about.length} ${Math.max(0, ...about.map((one) => one.at))}`}
        />
      ) : (
        <div class="plot">
          <div class="empty">
            <p>{emptiness(metric, choice, now, known)}</p>
            <NextStep metric={metric} choice={choice} now={now} show={show} origin={origin} />
          </div>
        </div>
      )}
      <p class="muted as-of">
        {time(drawn.value.to)}, {word === "refreshing" ? "refreshing…" : ageInWords(drawn, now)} · points of {drawn.value.answer.resolution}
        {forecastNote(metric, about, field)}
      </p>
      {word === "stale" && (
        <Notice tone="warn" action="Try again" act={redraw}>
          {drawn.failure ? drawn.failure.why : "It was not read again."} This is as it was at {time(drawn.value.to)}.
        </Notice>
      )}
    </>
  );
}

/** Which of the metric's fields models speak about, where it is not this one. */
function forecastNote(metric: Metric, about: readonly InsightEvent[], field: string): string {
  const fields = [...new Set(about.filter((one) => one.kind === "forecast").map((one) => one.field))].sort();
  if (!fields.length) return metric.forecast ? " · no forecast yet" : "";
  return fields.includes(field) ? "" : ` · forecast: ${fields.map(fieldInWords).join(", ")}`;
}

function emptiness(metric: Metric, choice: Choice, now: number, known: boolean): string {
  if (!metric.enabled) return "It is switched off, so nothing is counted.";
  if (!known) return `No data in the last ${choice.range.title}.`;
  if (metric.last_seen === undefined) return "Nothing was ever seen of it.";
  return `No data in the last ${choice.range.title}: last seen ${seenInWords(metric, now)}.`;
}

function NextStep({ metric, choice, now, show, origin }: { metric: Metric; choice: Choice; now: number; show: (choice: Partial<Choice>) => void; origin: string }) {
  if (!metric.enabled) return <p class="muted">An editor switches it on: drishti metrics apply, with “enabled: true”.</p>;
  const longer = RANGES.find((range) => range.ms > choice.range.ms && metric.last_seen !== undefined && now - metric.last_seen < range.ms);
  if (longer) {
    return (
      <button type="button" onClick={() => show({ range: longer })}>
        Show the last {longer.title}
      </button>
    );
  }
  return (
    <p class="muted">
      {metric.origin === "otlp" ? "Send OTLP metrics to " : "Send events to "}
      <code>{origin + (metric.origin === "otlp" ? "/v1/metrics" : "/api/events")}</code> with a producer's key.
    </p>
  );
}

interface NoticeProps {
  tone: "warn" | "bad";
  action: string;
  act: () => void;
  children: ComponentChildren;
}

function Notice({ tone, action, act, children }: NoticeProps) {
  return (
    <div class={`banner ${tone}`} role="alert">
      <p>{children}</p>
      <button type="button" onClick={act}>
        {action}
      </button>
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
