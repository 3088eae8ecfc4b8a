/** The frame around the page of metrics: what the address chooses, what is asked for it, and how old that is. */
import { useEffect, useRef, useState } from "preact/hooks";
import {
  beginSession,
  checkDefinition,
  endSession,
  fetchAnswers,
  fetchInsights,
  fetchMetric,
  fetchMetrics,
  fetchSession,
  fetchUnwatched,
  forgetDefinition,
  gatewayNow,
  storeDefinition,
} from "../live/analytics.ts";
import type { Theme } from "../charts/palette.ts";
import { ageInWords, wordOf } from "../model/asked.ts";
import type { Editing, Preview } from "../model/definition.ts";
import { zone } from "../model/format.ts";
import { type Choice, choiceOf, drawnOf, METRICS_PATH, queryOf } from "../model/metric-choice.ts";
import { GROUPED_BY, type Metric, named, sizesOf } from "../model/metrics.ts";
import { unwatchedReasons } from "../model/watching.ts";
import { LIST_EVERY_MS, MetricsPage } from "../pages/metrics.tsx";
import { STATUS } from "./asked-status.ts";
import { EditorKey, KeyForm } from "./banner.tsx";
import { Header, type Place } from "./header.tsx";
import type { Go } from "./hooks.ts";
import { useAsked } from "../live/use-asked.ts";
import { useKeyRefused } from "../live/use-key-refused.ts";
import { useUnsaved } from "./use-unsaved.ts";

const METRIC_EVERY_MS = 15_000;
/** While history is filled, its progress moves. */
const PROGRESS_EVERY_MS = 1_000;
const SIZES_EVERY_MS = 60_000;
const UNWATCHED_EVERY_MS = 60_000;
/** Nothing is said where it is not known. */
const NONE: ReadonlyMap<string, string> = new Map();
const SESSION_EVERY_MS = 60_000;
/** A preview is of what somebody types: it is not asked for again. */
const PREVIEW_EVERY_MS = 600_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const EDITING: Editing = { check: checkDefinition, store: storeDefinition, forget: forgetDefinition };
const INSIGHTS_EVERY_MS = 15_000;
/** Ages go on without answers. */
const TICK_MS = 1_000;

interface Props {
  query: string;
  places: Place[];
  go: Go;
  theme: Theme;
}

export function MetricsView({ query, places, go, theme }: Props) {
  const choice = choiceOf(query);
  const now = useClock();
  const [list, retry] = useAsked("metrics", LIST_EVERY_MS, fetchMetrics);
  const [session, askSession] = useAsked("session", SESSION_EVERY_MS, fetchSession);
  const listed = list.value && choice.metric ? named(list.value.metrics, choice.metric) : null;
  const filling = useRef(false);
  const [whole, askWhole] = useAsked(listed && listed.name, filling.current ? PROGRESS_EVERY_MS : METRIC_EVERY_MS, (signal) => fetchMetric(listed?.name ?? "", signal));
  const metric = listed && newer(listed, list.at, whole.value, whole.at);
  filling.current = metric?.backfill !== undefined && metric.backfill.state !== "done";
  const { field, by, where } = metric ? drawnOf(metric, choice) : { field: "", by: [], where: [] };
  const { range, top } = choice;
  const token = metric?.token ?? "";
  const resolutions = choice.resolution ? [choice.resolution] : range.resolutions;
  const drawing = metric && !choice.edit ? [token, field, ...by, ...where.map(({ label, value }) => `${label}:${value}`), top, range.name, ...resolutions, metric.version ?? 1].join("\n") : null;
  const [drawn, redraw] = useAsked(drawing, range.every_ms, async (signal) => {
    const to = gatewayNow();
    const question = { metric: token, aggregate: field, ...(by.length ? { group_by: by, top } : {}), ...(where.length ? { filters: where } : {}) };
    return { answers: await fetchAnswers({ questions: [question], from: to - range.ms, to, resolutions }, signal), from: to - range.ms, to };
  });
  const [insights] = useAsked(metric && token, INSIGHTS_EVERY_MS, async (signal) => (await fetchInsights(token, signal)).insights);
  const [unwatched] = useAsked("unwatched", UNWATCHED_EVERY_MS, async (signal) => unwatchedReasons((await fetchUnwatched(signal)).insights));
  const split = metric && !choice.edit && metric.kind !== "derived" && metric.series !== undefined && metric.dimensions.length > 0;
  const [sizes] = useAsked(split ? `${token} ${metric.dimensions.join()}` : null, SIZES_EVERY_MS, async (signal) => {
    const { dimensions, kind } = metric as Metric;
    const asked = { metric: token, aggregate: GROUPED_BY[kind] };
    const others = dimensions.map((label) => ({ label, value: "other" }));
    const questions = [...dimensions.map((label) => ({ ...asked, group_by: [label], top: 1 })), { ...asked, filters: others }];
    const to = gatewayNow();
    return sizesOf(metric as Metric, (await fetchAnswers({ questions, from: to - HOUR_MS, to, resolutions: ["1h"] }, signal)).answers);
  });
  const [wanted, setWanted] = useState<Preview | null>(null);
  const [previewed] = useAsked(wanted && wanted.expression, PREVIEW_EVERY_MS, async (signal) => {
    const to = gatewayNow();
    const questions = [{ expression: wanted?.expression ?? "" }];
    return { answers: await fetchAnswers({ questions, from: to - DAY_MS, to, resolutions: ["15m", "1h"] }, signal), from: to - DAY_MS, to };
  });

  const title = choice.edit === "kpi" ? "New KPI" : choice.edit === "events" ? "New metric" : metric ? `${metric.name} · Metrics` : "Metrics";
  useEffect(() => {
    document.title = `${title} · Drishti`;
  }, [title]);

  const [setUnsaved, mayLeave] = useUnsaved();
  const show = (changed: Partial<Choice>, replace = false) => {
    const leaves = changed.edit !== undefined || (changed.metric !== undefined && changed.metric !== choice.metric);
    if (leaves && !mayLeave()) return;
    // Another metric is another page; everything else stays where it is.
    const stay = changed.metric === undefined && changed.edit === undefined;
    go(METRICS_PATH + queryOf({ ...choice, ...changed }), { replace, stay });
  };
  const stored = (metric: Metric | null) => {
    setUnsaved(false);
    if (metric) show({ metric: metric.name, edit: "", ...(metric.name === choice.metric ? {} : { field: "", by: [], where: [] }) }, true);
    retry();
    if (metric) askWhole();
  };
  useKeyRefused(() => {
    askSession();
    retry();
  });
  const opened = () => {
    askSession();
    retry();
  };
  const word = wordOf(list, now, LIST_EVERY_MS);
  return (
    <>
      <a class="skip" href="#metrics">
        To the metrics
      </a>
      <Header
        places={places}
        path={METRICS_PATH}
        go={(to) => {
          if (mayLeave()) go(to);
        }}
        status={STATUS[word]}
        age={word === "refreshing" ? "refreshing…" : ageInWords(list, now)}
        theme={theme}
      />
      <main id="metrics" tabIndex={-1}>
        <MetricsPage
          list={list}
          metric={metric}
          drawn={drawn}
          insights={insights}
          sizes={sizes}
          unwatched={unwatched.value ?? NONE}
          session={session.value}
          editing={EDITING}
          preview={setWanted}
          previewed={previewed}
          setUnsaved={setUnsaved}
          stored={stored}
          choice={choice}
          show={show}
          retry={retry}
          redraw={redraw}
          path={METRICS_PATH}
          origin={location.origin}
          now={now}
          theme={theme}
          keyForm={<EditorKey begin={beginSession} opened={opened} />}
        >
          {list.failure?.key && <KeyForm why={`${list.failure.why}.`} opened={opened} />}
        </MetricsPage>
      </main>
      <footer>
        <span>
          Times in {zone()}.{" "}
          {session.value?.has_key && (
            <>
              Tenant <bdi>{session.value.tenant}</bdi>.{" "}
              <button type="button" class="link" onClick={() => void endSession().then(opened, opened)}>
                Forget the key
              </button>
            </>
          )}
        </span>
        <span>
          The same as JSON: <a href="/api/dashboard/analytics/metrics">metrics</a>
        </span>
      </footer>
    </>
  );
}

/** The list and the metric itself are asked for at different times: what came later holds, and only the metric knows what it is made of. */
function newer(listed: Metric, listedAt: number, whole: Metric | null, wholeAt: number): Metric {
  if (whole === null || whole.token !== listed.token) return listed;
  if (wholeAt >= listedAt) return whole;
  return whole.revision === listed.revision ? { ...listed, made_of: whole.made_of } : listed;
}

function useClock(): number {
  const [now, setNow] = useState(gatewayNow);
  useEffect(() => {
    const timer = window.setInterval(() => setNow(gatewayNow()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}
