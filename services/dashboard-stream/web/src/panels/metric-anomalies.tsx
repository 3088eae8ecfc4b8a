/** What models say about a metric, in sentences: what was or is unusual, the newest first. */
import { sentence } from "../model/anomaly.ts";
import { span } from "../model/finding.ts";
import type { Incident } from "../model/incidents.ts";
import type { Metric } from "../model/metrics.ts";

const MOST = 8;

export function MetricAnomalies({ metric, incidents, now, why }: { metric: Metric; incidents: Incident[]; now: number; why: string }) {
  return (
    <article class="panel metric-anomalies">
      <h3>
        Anomalies
        <small>last 24 h</small>
      </h3>
      {why && <p class="muted">What models say is not known: {why}</p>}
      {!why && !incidents.length && <p class="muted">{nothing(metric)}</p>}
      <ul>
        {incidents.slice(0, MOST).map((one) => (
          <li key={one.insight.key} class={one.open ? (one.severity === "critical" ? "bad" : "warn") : "over"}>
            <span class="badge">{one.open ? one.severity : "over"}</span> {sentence(one.insight, !one.open && !one.stays)}
            <small>{span(one, now)}</small>
          </li>
        ))}
      </ul>
      {incidents.length > MOST && <p class="muted">and {incidents.length - MOST} more</p>}
    </article>
  );
}

function nothing(metric: Metric): string {
  if (!metric.enabled) return "It is switched off: not counted, so not watched.";
  return metric.watched ? "None: it is watched, and nothing was unusual." : "It is not watched: no anomalies are looked for.";
}
