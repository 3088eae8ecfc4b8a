/** What a metric is: its definition, and how many of its series there may be. */
import type { ComponentChildren } from "preact";
import { cardinality, fieldInWords, type Metric, originInWords } from "../model/metrics.ts";
import { Marks } from "./metric-list.tsx";

/** `known`: whether it is known what was seen of the metric. */
export function MetricDefinition({ metric, known, endpoint }: { metric: Metric; known: boolean; endpoint: string }) {
  const fields = Object.entries(metric.fields).map(([field, unit]) => `${fieldInWords(field)}${unit === "1" ? "" : ` (${unit})`}`);
  const more = metric.kind === "distribution" ? ", and any other percentile" : "";
  return (
    <article class="panel definition">
      <h3>Definition</h3>
      <dl>
        <Term title="Name">
          <bdi>{metric.name}</bdi>
        </Term>
        {metric.token !== metric.name && (
          <Term title="Token">
            <code>{metric.token}</code>
          </Term>
        )}
        <Term title="Kind">{metric.kind}</Term>
        <Term title="Unit">{metric.unit}</Term>
        <Term title="Origin">{originInWords(metric.origin)}</Term>
        <Term title="State">
          <Marks metric={metric} />
        </Term>
        <Term title="Dimensions">{metric.dimensions.length ? <bdi>{metric.dimensions.join(", ")}</bdi> : "none"}</Term>
        <Term title="Can be asked">
          {fields.join(", ")}
          {more}
        </Term>
        {(metric.shares ?? []).map((share) => (
          <Term key={share.name} title={fieldInWords(share.name)}>
            share where {share.dimension} is {share.value}
          </Term>
        ))}
        <Term title="Services">
          <bdi>{(metric.services ?? []).join(", ") || (known ? "none seen" : "not known")}</bdi>
        </Term>
        <Term title="Revision">{metric.revision || "as delivered"}</Term>
      </dl>
      <p class="muted">
        To change it, use <code>drishti metrics apply</code>, or <code>PUT {endpoint}</code> with an editor's key.
      </p>
    </article>
  );
}

function Term({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </>
  );
}

export function Cardinality({ metric, known }: { metric: Metric; known: boolean }) {
  const full = cardinality(metric);
  return (
    <article class={`panel cardinality ${full?.tone ?? ""}`}>
      <h3>
        Series
        <small>in the newest hour that has any</small>
      </h3>
      {full ? (
        <>
          <p>
            <strong>{full.series.toLocaleString("en")}</strong> of {full.limit.toLocaleString("en")} at most
          </p>
          <div
            class="meter"
            role="meter"
            aria-label="Series of those that may be"
            aria-valuemin={0}
            aria-valuemax={full.limit}
            aria-valuenow={Math.min(full.series, full.limit)}
            aria-valuetext={`${full.series} of ${full.limit}. ${full.why}`}
          >
            <span style={{ width: `${Math.max(full.share * 100, full.series ? 0.5 : 0)}%` }} />
          </div>
          {full.why && <p class="why">{full.why}</p>}
        </>
      ) : (
        <p class="muted">
          {known ? "Nothing was seen of it yet" : "How many there are is not known"}: at most {metric.max_series.toLocaleString("en")} series may be.
        </p>
      )}
    </article>
  );
}
