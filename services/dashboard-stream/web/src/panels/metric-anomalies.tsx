/** What models say about a metric, in sentences: what was or is unusual, the newest first. */
import { sentence } from "../model/anomaly.ts";
import { causeLink } from "../model/explorer-choice.ts";
import { span } from "../model/finding.ts";
import type { Incident } from "../model/incidents.ts";
import type { Metric } from "../model/metrics.ts";

const MOST = 8;

interface Props {
  metric: Metric;
  incidents: Incident[];
  /** Why some of its series are not watched; empty: all are. */
  unwatched: string;
  now: number;
  /** Why it is not known what models say. */
  why: string;
}

export function MetricAnomalies({ metric, incidents, unwatched, now, why }: Props) {
  return (
    <article class="panel metric-anomalies">
      <h3>
        Anomalies
        <small>last 24 h</small>
      </h3>
      {why && <p class="muted">What models say is not known: {why}</p>}
      {unwatched && (
        <div class="unwatched" role="note">
          <p>
            <strong>Partly watched.</strong> {unwatched}.
          </p>
          <p class="muted">
            To have all of them watched: publish fewer label sets of this metric or name fewer labels in its <code>watch_policy</code>, switch <em>Watched</em> off
            for others, give the predictor a larger limit, or start another predictor.
          </p>
        </div>
      )}
      {!why && !incidents.length && <p class="muted">{nothing(metric, unwatched)}</p>}
      <ul>
        {incidents.slice(0, MOST).map((one) => (
          <li key={one.insight.key} class={one.open ? (one.severity === "critical" ? "bad" : "warn") : "over"}>
            <span class="badge">{one.open ? one.severity : "resolved"}</span> {sentence(one.insight, !one.open && !one.stays)}
            <small>
              {span(one, now)}
              {one.since > 0 && (
                <>
                  {" · "}
                  <a href={causeLink(one.since, one.open ? now : one.until, now)}>Root cause</a>
                </>
              )}
            </small>
          </li>
        ))}
      </ul>
      {incidents.length > MOST && <p class="muted">and {incidents.length - MOST} more</p>}
    </article>
  );
}

function nothing(metric: Metric, unwatched: string): string {
  if (!metric.enabled) return "It is switched off: not counted, so not watched.";
  if (unwatched) return "None of the series that are watched was unusual.";
  if (metric.watched && metric.kind !== "derived" && metric.last_seen === undefined) return "It is watched. Nothing of it was judged yet.";
  return metric.watched ? "None: it is watched, and nothing was unusual." : "It is not watched: no anomalies are looked for. An editor can switch Watched on, below.";
}
