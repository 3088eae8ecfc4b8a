/** The frame around the page of metrics: what the address chooses, what is asked for it, and how old that is. */
import { useEffect, useState } from "preact/hooks";
import { fetchAnswer, fetchInsights, fetchMetrics, gatewayNow } from "../live/analytics.ts";
import type { Status } from "../live/status.ts";
import type { Theme } from "../charts/palette.ts";
import { ageInWords, type AskedWord, wordOf } from "../model/asked.ts";
import { ZONE } from "../model/format.ts";
import { type Choice, choiceOf, drawnOf, queryOf } from "../model/metric-choice.ts";
import { named } from "../model/metrics.ts";
import { LIST_EVERY_MS, MetricsPage } from "../pages/metrics.tsx";
import { KeyForm } from "./banner.tsx";
import { Header, type Place } from "./header.tsx";
import { type Go, METRICS_PATH } from "./hooks.ts";
import { useAsked } from "./use-asked.ts";

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
  const metric = list.value && choice.metric ? named(list.value.metrics, choice.metric) : null;
  const { field, split } = metric ? drawnOf(metric, choice) : { field: "", split: "" };
  const { range } = choice;
  const token = metric?.token ?? "";
  const [drawn, redraw] = useAsked(metric && `${token} ${field} ${split} ${range.name}`, range.every_ms, async (signal) => {
    const to = gatewayNow();
    const answer = await fetchAnswer({ metric: token, field, split, from: to - range.ms, to, resolutions: range.resolutions }, signal);
    return { answer, metric: token, field, split, range: range.name, to };
  });
  const [insights] = useAsked(metric && token, INSIGHTS_EVERY_MS, async (signal) => (await fetchInsights(token, signal)).insights);

  const title = metric ? `${metric.name} · Metrics` : "Metrics";
  useEffect(() => {
    document.title = `${title} · Drishti`;
  }, [title]);

  const show = (changed: Partial<Choice>, replace = false) => {
    // Another metric is another page; everything else stays where it is.
    const stay = changed.metric === undefined;
    go(METRICS_PATH + queryOf({ ...choice, ...changed }), { replace, stay });
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
        go={go}
        status={STATUS[word]}
        age={word === "refreshing" ? "refreshing…" : ageInWords(list, now)}
        theme={theme}
      />
      <main id="metrics" tabIndex={-1}>
        <MetricsPage
          list={list}
          drawn={drawn}
          insights={insights}
          choice={choice}
          show={show}
          retry={retry}
          redraw={redraw}
          path={METRICS_PATH}
          origin={location.origin}
          now={now}
          theme={theme}
        >
          {list.failure?.key && <KeyForm why={`${list.failure.why}.`} opened={retry} />}
        </MetricsPage>
      </main>
      <footer>
        <span>Times in {ZONE}.</span>
        <span>
          The same as JSON: <a href="/api/dashboard/analytics/metrics">metrics</a>
        </span>
      </footer>
    </>
  );
}

const STATUS: Record<AskedWord, Status> = {
  loading: { word: "loading", tone: "quiet", why: "" },
  failed: { word: "not there", tone: "bad", why: "" },
  // Said aloud where it changes: not each time that it is asked again.
  refreshing: { word: "current", tone: "good", why: "" },
  stale: { word: "stale", tone: "warn", why: "" },
  current: { word: "current", tone: "good", why: "" },
};

function useClock(): number {
  const [now, setNow] = useState(gatewayNow);
  useEffect(() => {
    const timer = window.setInterval(() => setNow(gatewayNow()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}
