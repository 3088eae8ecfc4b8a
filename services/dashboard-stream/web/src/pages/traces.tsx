/** The page of traces: conditions, how long what meets them took, and the traces. */
import { editorAddress } from "../model/dashboards.ts";
import { useEffect, useState } from "preact/hooks";
import { type Asked, wordOf } from "../model/asked.ts";
import type { Facet, FacetAnswer, FoundTrace, TraceList } from "../model/contracts.ts";
import { sorted, spent, type TraceChoice, traceQueryOf, TRACES_PATH } from "../model/explorer.ts";
import { dayAndTime, plain, time } from "../model/format.ts";
import { HowToSend } from "../panels/how-to-send.tsx";
import { Notice } from "../panels/notice.tsx";
import { OwnHidden, OwnSwitch } from "../panels/own-switch.tsx";
import { userLink } from "../model/timeline.ts";
import { everyMs, LAST, rangeInWords, TRACE_RANGES } from "../model/time-range.ts";
import { TimeRange } from "../panels/time-range.tsx";
import { TraceDurations } from "../panels/trace-durations.tsx";

const DAY_MS = 86_400_000;
/** Values of a facet that are shown. */
const VALUES = 6;
const ATTRIBUTES = 8;
/** Facets that are unfolded from the start. */
const OPEN: ReadonlySet<string> = new Set(["service", "operation", "status", "gen_ai.request.model"]);

interface Props {
  list: Asked<TraceList>;
  traces: FoundTrace[];
  more: (() => void) | null;
  /** Goes back to the newest page, where further ones stand behind an older one. */
  newest: (() => void) | null;
  why: string;
  facets: Asked<FacetAnswer>;
  choice: TraceChoice;
  show: (changed: Partial<TraceChoice>) => void;
  retry: () => void;
  now: number;
  /** The address of Jaeger's pages; empty where there are none. */
  jaeger: string;
}

export function TracesPage({ list, traces, more, newest, why, facets, choice, show, retry, now, jaeger }: Props) {
  const found = list.value;
  const names = { ...found?.service_names, ...facets.value?.service_names };
  return (
    <div class="traces">
      <h1>Traces</h1>
      {list.failure && !list.failure.key && (
        <Notice tone="bad" action="Try again" act={retry}>
          {list.failure.why}
        </Notice>
      )}
      <Conditions choice={choice} show={show} now={now} />
      {facets.value && facets.value.spans > 0 && <TraceDurations facets={facets.value} choice={choice} show={show} />}
      <div class="traces-found">
        {facets.value && facets.value.spans > 0 && <Facets facets={facets.value} names={names} choice={choice} show={show} />}
        <section class="panel" aria-label="Traces found">
          {found === null ? (
            <p class="empty">{wordOf(list, now, everyMs(choice)) === "loading" ? "Loading…" : "No answer."}</p>
          ) : traces.length === 0 ? (
            <Nothing choice={choice} show={show} now={now} />
          ) : (
            <>
              {newest && (
                <p class="muted">
                  What came since then is not among these.{" "}
                  <button type="button" class="link" onClick={newest}>
                    Show the newest
                  </button>
                </p>
              )}
              <table class="trace-list">
                <thead>
                  <tr>
                    <Column title="Started" about="The traces with the newest spans that meet the conditions, by their start" on={!choice.slowest && !choice.sort} choose={() => show({ slowest: false, sort: "" })} />
                    <th scope="col">Trace</th>
                    <Column title="Duration" about="The traces with the slowest spans that meet the conditions, by their duration" value on={choice.slowest && !choice.sort} choose={() => show({ slowest: true, sort: "" })} />
                    <th scope="col" class="value" aria-sort={choice.sort ? "descending" : undefined}>
                      <Sorter title="Spans" about="Of the traces that are shown" on={choice.sort === "spans"} choose={() => show({ sort: choice.sort === "spans" ? "" : "spans" })} />
                      {", "}
                      <Sorter title="failed" about="Of the traces that are shown" on={choice.sort === "errors"} choose={() => show({ sort: choice.sort === "errors" ? "" : "errors" })} />
                    </th>
                    <th scope="col">Services</th>
                  </tr>
                </thead>
                <tbody>
                  {sorted(traces, choice).map((one) => (
                    <Row key={one.trace_id} trace={one} names={names} choice={choice} now={now} jaeger={jaeger} />
                  ))}
                </tbody>
              </table>
              {why && <p class="bad">{why}</p>}
              {more && (
                <button type="button" class="more" onClick={more}>
                  Show more
                </button>
              )}
            </>
          )}
        </section>
      </div>
    </div>
  );
}

interface SorterProps {
  title: string;
  about: string;
  on: boolean;
  choose: () => void;
}

function Column({ value = false, ...sorter }: SorterProps & { value?: boolean }) {
  return (
    <th scope="col" class={value ? "value" : ""} aria-sort={sorter.on ? "descending" : undefined}>
      <Sorter {...sorter} />
    </th>
  );
}

function Sorter({ title, about, on, choose }: SorterProps) {
  return (
    <button type="button" class="sorter" aria-pressed={on} title={about} onClick={choose}>
      {title}
      <span aria-hidden="true">{on ? " ▾" : ""}</span>
    </button>
  );
}

function Row({ trace, names, choice, now, jaeger }: { trace: FoundTrace; names: Record<string, string>; choice: TraceChoice; now: number; jaeger: string }) {
  const href = TRACES_PATH + traceQueryOf({ ...choice, trace: trace.trace_id, span: "" });
  const conditioned = traceQueryOf({ ...choice, range: TRACE_RANGES[0] ?? choice.range, ...LAST, slowest: false, sort: "", own: false }) !== "";
  const other = trace.matched.service !== trace.service || trace.matched.operation !== trace.operation;
  return (
    <tr class={trace.errors ? "failed" : ""}>
      <td>
        <time title={new Date(trace.start_ms).toISOString()}>{now - trace.start_ms > DAY_MS ? dayAndTime(trace.start_ms) : time(trace.start_ms)}</time>
      </td>
      <th scope="row">
        <a href={href}>
          <bdi>{names[trace.service] ?? trace.service}</bdi>: <bdi>{trace.operation}</bdi>
        </a>
        {jaeger && (
          <>
            {" "}
            <small>
              <a href={`${jaeger}/trace/${trace.trace_id}`} aria-label={`Trace ${trace.trace_id.slice(0, 8)} in Jaeger`}>
                Jaeger
              </a>
            </small>
          </>
        )}
        {trace.missing_root && <small> its root span was not received (yet)</small>}
        {other && conditioned && (
          <small class="matched">
            found: <bdi>{names[trace.matched.service] ?? trace.matched.service}</bdi>: <bdi>{trace.matched.operation}</bdi>, {spent(trace.matched.duration_ms)}
          </small>
        )}
      </th>
      <td class="value">{spent(trace.duration_ms)}</td>
      <td class="value">
        {trace.spans}
        {trace.errors > 0 && <span class="bad"> {trace.errors} failed</span>}
      </td>
      <td class="of-services">
        {trace.services.map((one) => (
          <span key={one.service} class={one.errors ? "tag bad" : "tag"}>
            <bdi>{names[one.service] ?? one.service}</bdi> {one.spans}
          </span>
        ))}
      </td>
    </tr>
  );
}

function Conditions({ choice, show, now }: Pick<Props, "choice" | "show" | "now">) {
  const { text, min, max, user, session } = choice;
  const given = { trace: "", text, min, max, user, session, attribute: "" };
  const [typed, setTyped] = useState(given);
  useEffect(() => setTyped(given), [text, min, max, user, session]);
  const type = (name: keyof typeof typed) => (event: Event) => setTyped({ ...typed, [name]: (event.target as HTMLInputElement).value });
  const submit = (event: Event) => {
    event.preventDefault();
    if (typed.trace.trim()) {
      show({ trace: typed.trace.trim(), span: "" });
      return;
    }
    const attributes = typed.attribute.trim() ? [...choice.attributes, typed.attribute.trim()] : choice.attributes;
    show({ text: typed.text.trim(), min: typed.min.trim(), max: typed.max.trim(), user: typed.user.trim(), session: typed.session.trim(), attributes });
    setTyped({ ...typed, attribute: "" });
  };
  return (
    <form class="panel trace-conditions" onSubmit={submit} aria-label="Conditions">
      <TimeRange window={choice} show={show} now={now} />
      <div class="segments" role="group" aria-label="Order">
        <button type="button" aria-pressed={!choice.slowest} onClick={() => show({ slowest: false })}>
          Newest
        </button>
        <button type="button" aria-pressed={choice.slowest} onClick={() => show({ slowest: true })}>
          Slowest
        </button>
      </div>
      <label>
        Trace id
        <input size={14} spellcheck={false} placeholder="32 hex digits" value={typed.trace} onInput={type("trace")} />
      </label>
      <label>
        At least, ms
        <input inputMode="decimal" size={6} value={typed.min} onInput={type("min")} />
      </label>
      <label>
        At most, ms
        <input inputMode="decimal" size={6} value={typed.max} onInput={type("max")} />
      </label>
      <label>
        User
        <input size={12} value={typed.user} onInput={type("user")} />
      </label>
      <label>
        Session
        <input size={10} value={typed.session} onInput={type("session")} />
      </label>
      <label>
        Text of errors
        <input type="search" size={14} value={typed.text} onInput={type("text")} />
      </label>
      <label>
        Attribute
        <input size={22} placeholder="http.route=/cart, size>=3" value={typed.attribute} onInput={type("attribute")} />
      </label>
      <button type="submit">Search</button>
      <OwnSwitch own={choice.own} service={choice.service} show={(own) => show({ own })} />
      <Chosen choice={choice} show={show} />
    </form>
  );
}

/** The conditions that were chosen by a click, each with the way to be rid of it. */
function Chosen({ choice, show }: Pick<Props, "choice" | "show">) {
  const chosen: [string, Partial<TraceChoice>][] = [];
  if (choice.service) chosen.push([`service ${choice.service}`, { service: "" }]);
  if (choice.operation) chosen.push([choice.operation, { operation: "" }]);
  if (choice.status) chosen.push([`status ${choice.status}`, { status: "" }]);
  if (choice.min) chosen.push([`at least ${choice.min} ms`, { min: "" }]);
  if (choice.max) chosen.push([`at most ${choice.max} ms`, { max: "" }]);
  if (choice.user) chosen.push([`user ${choice.user}`, { user: "" }]);
  if (choice.session) chosen.push([`session ${choice.session}`, { session: "" }]);
  if (choice.text) chosen.push([`“${choice.text}”`, { text: "" }]);
  if (choice.root) chosen.push(["roots only", { root: false }]);
  for (const one of choice.attributes) chosen.push([one, { attributes: choice.attributes.filter((other) => other !== one) }]);
  if (!chosen.length) return null;
  return (
    <p class="chosen">
      {chosen.map(([text, without]) => (
        <button type="button" key={text} class="tag" aria-label={`Without ${text}`} onClick={() => show(without)}>
          <bdi>{text}</bdi> ×
        </button>
      ))}
      {choice.user && (
        <a class="button" href={userLink(choice.user)}>
          What this user did
        </a>
      )}
      {choice.service && (
        <a class="button" href={editorAddress({ of: `service:${choice.service}` })}>
          Make a dashboard of this service
        </a>
      )}
    </p>
  );
}

function Facets({ facets, names, choice, show }: { facets: FacetAnswer; names: Record<string, string>; choice: TraceChoice; show: Props["show"] }) {
  const fields: Record<string, (value: string) => Partial<TraceChoice>> = {
    service: (service) => ({ service }),
    operation: (operation) => ({ operation }),
    status: (status) => ({ status }),
  };
  return (
    <aside class="panel facets" aria-label="What they are">
      {facets.facets
        .filter((facet) => facet.name in fields)
        .map((facet) => (
          <One key={facet.name} facet={facet} names={facet.name === "service" ? names : {}} choose={(value) => show(fields[facet.name]?.(value) ?? {})} />
        ))}
      {facets.attributes.slice(0, ATTRIBUTES).map((facet) => (
        <One key={facet.name} facet={facet} names={{}} choose={(value) => show({ attributes: [...choice.attributes, `${facet.name}=${value}`] })} />
      ))}
    </aside>
  );
}

function One({ facet, names, choose }: { facet: Facet; names: Record<string, string>; choose: (value: string) => void }) {
  const most = Math.max(...facet.values.map((value) => value.spans));
  return (
    <details open={OPEN.has(facet.name)}>
      <summary>{facet.name}</summary>
      <ul>
        {facet.values.slice(0, VALUES).map(({ value, spans, errors }) => (
          <li key={value}>
            <button type="button" onClick={() => choose(value)} title={value}>
              <span class="bar" style={{ width: `${(spans / most) * 100}%` }} />
              <bdi>{names[value] ?? value}</bdi>
              <span class="value">
                {errors > 0 && <span class="bad">{plain(errors, "{span}")} / </span>}
                {plain(spans, "{span}")}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Nothing({ choice, show, now }: Pick<Props, "choice" | "show" | "now">) {
  const bare = !traceQueryOf({ ...choice, range: TRACE_RANGES[0] ?? choice.range, ...LAST, slowest: false, sort: "", own: false });
  return (
    <div class="empty">
      <p>
        No trace {bare ? "was received" : "meets these conditions"} {rangeInWords(choice, now)}.
      </p>
      <OwnHidden own={choice.own} service={choice.service} show={(own) => show({ own })} />
      {bare ? (
        <HowToSend />
      ) : (
        <button
          type="button"
          onClick={() => show({ service: "", operation: "", status: "", min: "", max: "", user: "", session: "", text: "", attributes: [], root: false })}
        >
          Clear conditions
        </button>
      )}
    </div>
  );
}
