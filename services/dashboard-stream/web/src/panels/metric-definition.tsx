/** What a metric is: its definition, and how many of its series there may be. */
import type { ComponentChildren } from "preact";
import { standing } from "../model/definition.ts";
import { inWords, whole } from "../model/format.ts";
import { cardinality, fieldInWords, kindInWords, type Metric, originInWords, type Sizes } from "../model/metrics.ts";
import { Marks } from "./metric-list.tsx";

/** `known`: whether it is known what was seen of the metric; `unwatched`: why some of its series are not watched; `children`: what an editor can do with it. */
export function MetricDefinition({ metric, known, unwatched, children }: { metric: Metric; known: boolean; unwatched: string; children: ComponentChildren }) {
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
        <Term title="Kind">{kindInWords(metric.kind)}</Term>
        {metric.expression && (
          <Term title="Expression">
            <code>{metric.expression}</code>
          </Term>
        )}
        {metric.source && (
          <Term title="Events">
            <code>{metric.source.event}</code>
            {metric.source.where && (
              <>
                {" "}
                where <code>{metric.source.where}</code>
              </>
            )}
          </Term>
        )}
        <Term title="Unit">{metric.unit}</Term>
        <Term title="Origin">{originInWords(metric.origin)}</Term>
        <Term title="State">
          <Marks metric={metric} unwatched={unwatched} />
        </Term>
        {metric.kind === "derived" && <Term title="Better is">a {metric.direction === "down" ? "lower" : "higher"} value</Term>}
        {LIMITS.map(([field, title]) => {
          const value = metric[field];
          return (
            value !== undefined && (
              <Term key={field} title={title}>
                {inWords(value, metric.unit)}
              </Term>
            )
          );
        })}
        {metric.owner && (
          <Term title="Owner">
            <bdi>{metric.owner}</bdi>
          </Term>
        )}
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
        {metric.kind !== "derived" && (
          <Term title="Services">
            <bdi>{(metric.services ?? []).join(", ") || (known ? "none seen" : "not known")}</bdi>
          </Term>
        )}
        {(metric.version ?? 1) > 1 && <Term title="Version">{metric.version}</Term>}
        <Term title="Revision">{metric.revision || "as delivered"}</Term>
      </dl>
      {children}
    </article>
  );
}

const LIMITS = [
  ["target", "Target"],
  ["warn", "Warning from"],
  ["bad", "Bad from"],
] as const;

const WORDS = { good: "reaches its target", warn: "warning", bad: "bad", "": "" } as const;

/** How a KPI stands, in a word, a shape and a colour; nothing where no threshold says it. */
export function Standing({ metric, value }: { metric: Metric; value: number | null }) {
  const tone = metric.kind === "derived" ? standing(metric, value) : "";
  if (!tone) return null;
  return (
    <span class={`state ${tone}`}>
      {WORDS[tone]} · {inWords(value, metric.unit)}
    </span>
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

interface CardinalityProps {
  metric: Metric;
  known: boolean;
  /** By dimension; `null` while it is asked. */
  sizes: Sizes | null;
  why: string;
}

export function Cardinality({ metric, known, sizes, why }: CardinalityProps) {
  if (metric.kind === "derived") return null;
  const full = cardinality(metric);
  const dimensions = sizes?.dimensions ?? [];
  const most = Math.max(1, ...dimensions.map((one) => one.values));
  const driver = dimensions.length > 1 ? [...dimensions].sort((a, b) => b.values - a.values)[0] : undefined;
  return (
    <article class={`panel cardinality ${full?.tone ?? ""}`}>
      <h3>
        Series
        <small>in the newest hour that has any</small>
      </h3>
      {full ? (
        <>
          <p>
            <strong>{whole(full.series)}</strong> of {whole(full.limit)} at most
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
          {known ? "Nothing was seen of it yet." : "How many there are is not known."} It may have up to {whole(metric.max_series)} series.
        </p>
      )}
      {full && metric.dimensions.length > 0 && (
        <>
          <h4>
            Values by dimension <small>last hour</small>
          </h4>
          {why && <p class="muted">Not known: {why}</p>}
          {!sizes && !why && <p class="muted">Counting…</p>}
          {sizes && (
            <ul class="sizes">
              {dimensions.map((one) => (
                <li key={one.label}>
                  <bdi>{one.label}</bdi>
                  <span class="size" aria-hidden="true">
                    <span style={{ width: `${(100 * one.values) / most}%` }} />
                  </span>
                  <b>{whole(one.values)}</b>
                </li>
              ))}
            </ul>
          )}
          {driver && driver.values > 1 && (
            <p class="muted">
              <bdi>{driver.label}</bdi> has the most values: it drives the number of series.
            </p>
          )}
          {sizes && (
            <p class={sizes.overflow ? "why" : "muted"}>{beyondInWords(sizes)}</p>
          )}
        </>
      )}
    </article>
  );
}

function beyondInWords({ overflow, beyond }: Sizes): string {
  if (!overflow) return "Nothing is counted as “other”.";
  const much = beyond === null ? "Some series are" : `${whole(beyond)} observations of further series are`;
  return `${much} beyond the limit, and counted together as “other”.`;
}
