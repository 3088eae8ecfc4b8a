/** Every metric of the tenant as a table, with a search and two filters. Beside a chosen metric, and on a phone, a row is two lines. */
import type { ComponentChildren, RefObject } from "preact";
import { useState } from "preact/hooks";
import { counted, whole } from "../model/format.ts";
import { cardinality, choices, kindInWords, type Metric, matching, originInWords, originOf, seenInWords, SORTS, sorted, type Wanted } from "../model/metrics.ts";

/** More rows than this are shown when asked for: nobody reads them, and a page of thousands is slow to type in. */
const MOST_ROWS = 200;

interface Props {
  metrics: Metric[];
  wanted: Wanted;
  /** The name of the one that is drawn. */
  chosen: string;
  now: number;
  /** Whether it is known what was seen of them. */
  known: boolean;
  /** Why some series of a metric are not watched, by its token. */
  unwatched: ReadonlyMap<string, string>;
  want: (wanted: Partial<Wanted>) => void;
  addressOf: (metric: Metric) => string;
  choose: (metric: Metric) => void;
  /** Of OpenTelemetry's metrics, where they are to be sent. */
  endpoint: string;
  search: RefObject<HTMLInputElement | null>;
  /** What stands above the list: how to define more. */
  children?: ComponentChildren;
}

export function MetricList({ metrics, wanted, chosen, now, known, unwatched, want, addressOf, choose, endpoint, search, children }: Props) {
  const [all, setAll] = useState(false);
  const found = sorted(matching(metrics, wanted), wanted.sort);
  const rows = all ? found : found.slice(0, MOST_ROWS);
  const none = !metrics.some((metric) => metric.origin === "otlp");
  return (
    <section class="panel metric-list" aria-label="All metrics">
      {children}
      <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        <label class="search">
          <span>Search</span>
          <input
            ref={search}
            type="search"
            value={wanted.search}
            placeholder="Name, unit, service, dimension"
            autocomplete="off"
            spellcheck={false}
            aria-keyshortcuts="/"
            onInput={(event) => want({ search: event.currentTarget.value })}
          />
          <kbd aria-hidden="true">/</kbd>
        </label>
        <Filter
          title="Origin"
          value={wanted.origin}
          values={choices(metrics, originOf)}
          words={(origin) => (origin === "pack" ? "packs" : originInWords(origin))}
          set={(origin) => want({ origin })}
        />
        <Filter title="Kind" value={wanted.kind} values={choices(metrics, (metric) => metric.kind)} words={kindInWords} set={(kind) => want({ kind })} />
        <label>
          <span>Sort by</span>
          <select aria-label="Sort by" value={wanted.sort} onChange={(event) => want({ sort: event.currentTarget.value })}>
            {Object.entries(wanted.sort in SORTS ? SORTS : { ...SORTS, [wanted.sort]: "Another column" }).map(([sort, title]) => (
              <option key={sort} value={sort}>
                {title}
              </option>
            ))}
          </select>
        </label>
      </form>
      <p class="muted found" role="status" aria-label="Metrics found">
        {found.length === metrics.length ? counted(metrics.length, "metric") : `${whole(found.length)} of ${counted(metrics.length, "metric")}`}
      </p>
      {rows.length > 0 && (
        <table>
          <caption class="spoken">Metrics, with what was seen of them</caption>
          <thead>
            <tr>
              <Head title="Metric" by="name" sort={wanted.sort} want={want} />
              <Head title="Unit" by="unit" sort={wanted.sort} want={want} />
              <Head title="Kind" by="kind" sort={wanted.sort} want={want} />
              <Head title="Origin" by="origin" sort={wanted.sort} want={want} />
              <th scope="col">Dimensions</th>
              <Head title="Series" by="series" most sort={wanted.sort} want={want} />
              <Head title="Last seen" by="seen" most sort={wanted.sort} want={want} />
              <Head title="Services" by="services" sort={wanted.sort} want={want} />
              <Head title="State" by="watched" most sort={wanted.sort} want={want} />
            </tr>
          </thead>
          <tbody>
            {rows.map((metric) => (
              <Row key={metric.token} metric={metric} chosen={metric.name === chosen} now={now} known={known} unwatched={unwatched.get(metric.token) ?? ""} address={addressOf(metric)} choose={choose} />
            ))}
          </tbody>
        </table>
      )}
      {rows.length < found.length && (
        <button type="button" class="more-rows" onClick={() => setAll(true)}>
          Show all {whole(found.length)}
        </button>
      )}
      {found.length === 0 && (
        <div class="empty">
          <p>{none && wanted.origin === "otlp" ? "No OpenTelemetry metric has arrived." : "No metric matches the search and the filters."}</p>
          {(wanted.search || wanted.origin || wanted.kind) && (
            <button type="button" onClick={() => want({ search: "", origin: "", kind: "" })}>
              Show all metrics
            </button>
          )}
        </div>
      )}
      {none && (
        <p class="muted hint">
          To see your own here, send OTLP metrics to <code>{endpoint}</code> with a producer's key: they register themselves.
        </p>
      )}
    </section>
  );
}

interface HeadProps {
  title: string;
  by: string;
  /** Whether the largest come first at the first press. */
  most?: boolean;
  sort: string;
  want: (wanted: Partial<Wanted>) => void;
}

/** The head of a column, which sorts by it; pressed again, the other way round. */
function Head({ title, by, most = false, sort, want }: HeadProps) {
  const chosen = sort === by ? "ascending" : sort === `-${by}` ? "descending" : undefined;
  const next = chosen === undefined ? most : chosen === "ascending";
  return (
    <th scope="col" aria-sort={chosen} class={by === "series" ? "number-cell" : undefined}>
      <button type="button" class="sort" onClick={() => want({ sort: next ? `-${by}` : by })}>
        {title}
        <span aria-hidden="true">{chosen === "ascending" ? " ↑" : chosen === "descending" ? " ↓" : ""}</span>
      </button>
    </th>
  );
}

interface FilterProps {
  title: string;
  value: string;
  values: string[];
  words: (value: string) => string;
  set: (value: string) => void;
}

function Filter({ title, value, values, words, set }: FilterProps) {
  // What the address asks for can be chosen, even where no metric has it.
  const options = value && !values.includes(value) ? [...values, value] : values;
  return (
    <label>
      <span>{title}</span>
      <select aria-label={title} value={value} onChange={(event) => set(event.currentTarget.value)}>
        <option value="">all</option>
        {options.map((one) => (
          <option key={one} value={one}>
            {words(one)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** `name`, which may go on in the next line after each of its parts. */
function breakable(name: string) {
  return name.split(/(?<=[._/-])/).map((part, place) => (place ? [<wbr />, part] : part));
}

interface RowProps {
  metric: Metric;
  chosen: boolean;
  now: number;
  known: boolean;
  unwatched: string;
  address: string;
  choose: (metric: Metric) => void;
}

function Row({ metric, chosen, now, known, unwatched, address, choose }: RowProps) {
  const full = cardinality(metric);
  const seen = seenInWords(metric, now, known);
  const services = (metric.services ?? []).join(", ");
  return (
    <tr class={[chosen ? "chosen" : "", metric.enabled ? "" : "off"].join(" ")}>
      <th scope="row">
        <a
          href={address}
          aria-current={chosen ? "true" : undefined}
          title={metric.description || undefined}
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
            event.preventDefault();
            choose(metric);
          }}
        >
          <bdi>{breakable(metric.name)}</bdi>
        </a>
        <span class="brief">
          {kindInWords(metric.kind)} · {metric.unit} · {originInWords(metric.origin)}
          {full && <span class={full.tone}>{full.tone ? ` · ${whole(full.series)} of ${whole(full.limit)} series` : ` · ${whole(full.series)} series`}</span>} ·{" "}
          {metric.last_seen === undefined && metric.kind !== "derived" ? (known ? "never seen" : "seen: not known") : seen}
          {metric.enabled ? "" : " · off"}
          {unwatched && <span class="warn"> · {PARTLY}</span>}
        </span>
      </th>
      <td>{metric.unit}</td>
      <td>{kindInWords(metric.kind)}</td>
      <td>{originInWords(metric.origin)}</td>
      <td class="long">
        <bdi>{metric.dimensions.join(", ") || "–"}</bdi>
      </td>
      <td class={`number-cell ${full?.tone ?? ""}`} title={full?.why || undefined}>
        {full ? whole(full.series) : "–"}
        {full?.tone && ` of ${whole(full.limit)}`}
      </td>
      <td>{seen}</td>
      <td class="long" title={services || undefined}>
        <bdi>{services || "–"}</bdi>
      </td>
      <td>
        <Marks metric={metric} unwatched={unwatched} />
      </td>
    </tr>
  );
}

const PARTLY = "partly watched";

/** `on · watched · forecast` in words: a state is never a colour alone. `unwatched`: why some series are not watched. */
export function Marks({ metric, unwatched }: { metric: Metric; unwatched: string }) {
  if (!metric.enabled) return <span class="mark warn">off</span>;
  return (
    <span class="marks">
      <span class="mark">on</span>
      {metric.watched && !unwatched && <span class="mark">watched</span>}
      {unwatched && (
        <span class="mark warn" title={unwatched}>
          {PARTLY}
        </span>
      )}
      {metric.forecast && <span class="mark">forecast</span>}
    </span>
  );
}
