/** One metric: drawn with its anomalies and its forecast, and what its numbers are made of. */
import { useEffect, useRef } from "preact/hooks";
import { linesOfAnswer } from "../charts/answer-lines.ts";
import { levelsOf } from "../charts/figure.ts";
import { MetricChart } from "../charts/metric-chart.tsx";
import type { Theme } from "../charts/palette.ts";
import { ageInWords, type Asked, wordOf } from "../model/asked.ts";
import { editorAddress } from "../model/dashboards.ts";
import type { InsightEvent } from "../model/board.ts";
import type { AnswerSet } from "../model/contracts.ts";
import type { Editing, Session } from "../model/definition.ts";
import { time } from "../model/format.ts";
import { incidents } from "../model/incidents.ts";
import { type Choice, type Condition, drawnOf, MOST_SPLITS, RANGES, stepsOf, TOPS } from "../model/metric-choice.ts";
import { drawable, fieldInWords, fieldUnit, kindInWords, type Metric, seenInWords, type Sizes } from "../model/metrics.ts";
import { exactness, meaning } from "../model/provenance.ts";
import { MadeOf } from "../panels/made-of.tsx";
import { BackfillProgress, MetricActions } from "../panels/metric-actions.tsx";
import { MetricAnomalies } from "../panels/metric-anomalies.tsx";
import { Cardinality, MetricDefinition, Standing } from "../panels/metric-definition.tsx";
import { Notice } from "../panels/notice.tsx";

/** An answer with what it was asked for. */
export interface Drawn {
  answers: AnswerSet;
  from: number;
  to: number;
}

interface Props {
  metric: Metric;
  metrics: readonly Metric[];
  drawn: Asked<Drawn>;
  insights: Asked<InsightEvent[]>;
  sizes: Asked<Sizes>;
  /** Why some series of a metric are not watched, by its token. */
  unwatched: ReadonlyMap<string, string>;
  session: Session | null;
  editing: Editing;
  stored: (metric: Metric | null) => void;
  choice: Choice;
  show: (choice: Partial<Choice>, replace?: boolean) => void;
  redraw: () => void;
  addressOf: (metric: Metric) => string;
  back: string;
  origin: string;
  now: number;
  /** Whether it is known what was seen of the metric. */
  known: boolean;
  theme: Theme;
}

export function MetricPage(props: Props) {
  const { metric, metrics, drawn, insights, sizes, unwatched, session, editing, stored, choice, show, addressOf, back, now, known } = props;
  const { field, by, where } = drawnOf(metric, choice);
  const heading = useRef<HTMLHeadingElement>(null);
  // Where the list makes room for the metric, so must the focus.
  useEffect(() => {
    if (matchMedia("(max-width: 1180px)").matches) heading.current?.focus({ preventScroll: true });
  }, []);
  const about = insights.value ?? [];
  const all = incidents(about, now);
  const total = drawn.value?.answers.answers[0]?.series;
  return (
    <>
      <article class="panel chart metric-chart">
        <a
          class="back"
          href={back}
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
            event.preventDefault();
            show({ metric: "", field: "", by: [], where: [], edit: "" });
          }}
        >
          ← All metrics
        </a>
        <h2 ref={heading} tabIndex={-1}>
          <bdi>{metric.name}</bdi>
          <small>
            {kindInWords(metric.kind)} · {metric.unit}
            {metric.kind === "derived" ? "" : metric.last_seen === undefined && known ? " · never seen" : ` · last seen ${seenInWords(metric, now, known)}`}
          </small>
        </h2>
        {metric.description && <p class="muted">{metric.description}</p>}
        {total && !by.length && !where.length && <Standing metric={metric} value={total[0]?.total ?? null} />}
        <BackfillProgress metric={metric} />
        <Controls metric={metric} field={field} by={by} where={where} choice={choice} show={show} />
        <Drawing {...props} field={field} by={by} where={where} about={about} />
      </article>
      <div class="metric-about">
        <MetricAnomalies metric={metric} incidents={all} unwatched={unwatched.get(metric.token) ?? ""} now={now} why={insights.value ? "" : (insights.failure?.why ?? "")} />
        <Cardinality metric={metric} known={known} sizes={sizes.value} why={sizes.value ? "" : (sizes.failure?.why ?? "")} />
        {metric.made_of && metric.made_of.length > 0 && <MadeOf parts={metric.made_of} metrics={metrics} addressOf={addressOf} />}
        <MetricDefinition metric={metric} known={known} unwatched={unwatched.get(metric.token) ?? ""}>
          <p class="actions">
            <a class="button" href={editorAddress({ metric: metric.name })}>
              Make a dashboard
            </a>
            {where.map(({ label, value }) => (
              <a class="button" key={label} href={editorAddress({ of: `${label}:${value}` })}>
                Make a dashboard of {label} <bdi>{value}</bdi>
              </a>
            ))}
          </p>
          <MetricActions metric={metric} session={session} editing={editing} change={() => show({ edit: "change" })} stored={stored} />
          {session && !session.may_edit && (
            <p class="muted">
              <strong>Read-only.</strong> {session.why} Or use <code>drishti metrics apply</code>.
            </p>
          )}
        </MetricDefinition>
      </div>
    </>
  );
}

interface ControlsProps {
  metric: Metric;
  field: string;
  by: string[];
  where: Condition[];
  choice: Choice;
  show: (choice: Partial<Choice>) => void;
}

function Controls({ metric, field, by, where, choice, show }: ControlsProps) {
  const fields = drawable(metric, by);
  const steps = stepsOf(choice.range);
  const free = metric.dimensions.filter((one) => !by.includes(one));
  const splits = by.length < MOST_SPLITS && free.length ? [...by, ""] : by;
  return (
    <div class="choices">
      <label>
        <span>Field</span>
        <select aria-label="Field" value={field} onChange={(event) => show({ field: event.currentTarget.value })}>
          {(fields.includes(field) ? fields : [...fields, field]).map((one) => (
            <option key={one} value={one}>
              {fieldInWords(one)}
            </option>
          ))}
        </select>
      </label>
      {where.map((one) => (
        <button type="button" class="condition" key={one.label} aria-label={`Remove the filter ${one.label} is ${one.value}`} onClick={() => show({ where: where.filter((other) => other !== one) })}>
          <span>
            {one.label}: <bdi>{one.value}</bdi>
          </span>
          <span aria-hidden="true">×</span>
        </button>
      ))}
      {splits.map((chosen, place) => (
        <label key={place}>
          <span>{place === 0 ? "Split by" : "and by"}</span>
          <select
            aria-label={place === 0 ? "Split by" : "and by"}
            value={chosen}
            onChange={(event) => show({ by: [...by.slice(0, place), event.currentTarget.value, ...by.slice(place + 1)].filter(Boolean), field: choice.field })}
          >
            <option value="">nothing{place ? " more" : ""}</option>
            {(chosen ? [chosen, ...free] : free).map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
      ))}
      {by.length > 0 && (
        <label>
          <span>Largest</span>
          <select aria-label="Largest" value={String(choice.top)} onChange={(event) => show({ top: Number(event.currentTarget.value) })}>
            {TOPS.map((one) => (
              <option key={one} value={String(one)}>
                {one} and other
              </option>
            ))}
          </select>
        </label>
      )}
      <label>
        <span>Points of</span>
        <select aria-label="Points of" value={choice.resolution} onChange={(event) => show({ resolution: event.currentTarget.value })}>
          <option value="">as fits</option>
          {steps.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <div class="segments" role="group" aria-label="Time shown">
        {RANGES.map((range) => (
          <button type="button" key={range.name} aria-pressed={range === choice.range} onClick={() => show({ range })}>
            {range.title}
          </button>
        ))}
      </div>
    </div>
  );
}

interface DrawingProps extends Props {
  field: string;
  by: string[];
  where: Condition[];
  about: InsightEvent[];
}

function Drawing({ metric, field, by, where, choice, drawn, about, now, known, theme, redraw, show, origin }: DrawingProps) {
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
  if (!drawn.value) {
    return (
      <div class="plot">
        <p class="empty" role="status">
          Loading the last {range.title}…
        </p>
      </div>
    );
  }
  const { answers, from, to } = drawn.value;
  const lines = linesOfAnswer(answers, { metric: metric.token, field, unit, by, where: Object.fromEntries(where.map(({ label, value }) => [label, value])) }, from, to);
  const conditions = where.map(({ label, value }) => ` where ${label} is ${value}`).join("");
  const title = `${metric.name}, ${fieldInWords(field)}${by.length ? ` by ${by.join(", ")}` : ""}${conditions}`;
  return (
    <>
      {lines.lines.length ? (
        <MetricChart
          title={title}
          lines={lines}
          unit={unit}
          incidents={incidents(about, now)}
          insights={about}
          levels={by.length || where.length ? [] : levelsOf(metric)}
          theme={theme}
          moment={`${title} ${choice.top} ${choice.resolution} ${range.name} ${to} ${about.length} ${Math.max(0, ...about.map((one) => one.at))} ${metric.revision}`}
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
        {time(to)}, {word === "refreshing" ? "refreshing…" : ageInWords(drawn, now)} · points of {answers.resolution}
        {forecastNote(metric, about, field)}
      </p>
      <details class="exactness">
        <summary>What this number is</summary>
        <p>
          <strong>{fieldInWords(field)}</strong>: {meaning(metric, field)}.
        </p>
        <ul>
          {exactness(metric, field, answers, now).map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      </details>
      {word === "stale" && (
        <Notice tone="warn" action="Try again" act={redraw}>
          {drawn.failure ? drawn.failure.why : "It was not read again."} This is as it was at {time(to)}.
        </Notice>
      )}
    </>
  );
}

/** Which of the metric's fields models speak about, where it is not this one. */
function forecastNote(metric: Metric, about: readonly InsightEvent[], field: string): string {
  const fields = [...new Set(about.filter((one) => one.kind === "forecast").map((one) => one.field ?? ""))].sort();
  if (!fields.length) return metric.forecast ? " · no forecast yet" : "";
  return fields.includes(field) ? "" : ` · forecast: ${fields.map(fieldInWords).join(", ")}`;
}

function emptiness(metric: Metric, choice: Choice, now: number, known: boolean): string {
  if (!metric.enabled) return `It is switched off, so nothing is ${metric.kind === "derived" ? "computed" : "counted"}.`;
  if (metric.kind === "derived") return `It had no value in the last ${choice.range.title}: a term has none, or it would be divided by nothing.`;
  if (!known) return `No data in the last ${choice.range.title}.`;
  if (metric.last_seen === undefined) return "Nothing was ever seen of it.";
  return `No data in the last ${choice.range.title}: last seen ${seenInWords(metric, now)}.`;
}

function NextStep({ metric, choice, now, show, origin }: { metric: Metric; choice: Choice; now: number; show: (choice: Partial<Choice>) => void; origin: string }) {
  if (!metric.enabled) return <p class="muted">An editor switches it on.</p>;
  const next = RANGES.find((range) => range.ms > choice.range.ms);
  const longer = RANGES.find((range) => range.ms > choice.range.ms && metric.last_seen !== undefined && now - metric.last_seen < range.ms);
  const wider = metric.kind === "derived" ? next : longer;
  if (wider) {
    return (
      <button type="button" onClick={() => show({ range: wider })}>
        Show the last {wider.title}
      </button>
    );
  }
  if (metric.kind === "derived") return null;
  return (
    <p class="muted">
      {metric.origin === "otlp" ? "Send OTLP metrics to " : "Send events to "}
      <code>{origin + (metric.origin === "otlp" ? "/v1/metrics" : "/api/events")}</code> with a producer's key.
    </p>
  );
}
