/** The terms of a KPI, or the events of a metric, each with what it is: a metric leads to its own page. */
import { type Metric, named, type Part } from "../model/metrics.ts";

interface Props {
  parts: readonly Part[];
  metrics: readonly Metric[];
  addressOf: (metric: Metric) => string;
}

export function MadeOf({ parts, metrics, addressOf }: Props) {
  return (
    <article class="panel made-of">
      <h3>Made of</h3>
      <ul>
        {parts.map((part) => (
          <li key={part.term}>
            <code>{part.term}</code>
            <small>
              <About part={part} metrics={metrics} addressOf={addressOf} />
            </small>
          </li>
        ))}
      </ul>
    </article>
  );
}

function About({ part, metrics, addressOf }: { part: Part; metrics: readonly Metric[]; addressOf: (metric: Metric) => string }) {
  const link = (name: string) => {
    const metric = named(metrics, name);
    return metric ? (
      <a href={addressOf(metric)}>
        <bdi>{metric.name}</bdi>
      </a>
    ) : (
      <bdi>{name}</bdi>
    );
  };
  if (part.events !== undefined) {
    const nearest = (part.nearest ?? []).filter((name) => name !== part.events);
    return (
      <>
        events of the type <bdi>{part.events}</bdi>
        {nearest.length > 0 && (
          <>
            {" "}
            – if a metric is meant:{" "}
            {nearest.map((name, i) => (
              <>
                {i > 0 && ", "}
                {link(name)}
              </>
            ))}
          </>
        )}
      </>
    );
  }
  return (
    <>
      {part.expression ? "the KPI " : "the metric "}
      {link(part.metric ?? "")}
      {part.expression && (
        <>
          {" "}
          = <code>{part.expression}</code>
        </>
      )}
    </>
  );
}
