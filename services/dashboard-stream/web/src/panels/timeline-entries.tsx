/** What one person did in a session, or outside of any: the newest first, each with what it leads to. */
import type { TimelineEntry, TimelineTrace } from "../model/contracts.ts";
import { ERRORS_PATH, linkTo } from "../model/explorer-choice.ts";
import { TRACES_PATH, spent } from "../model/explorer.ts";
import { counted, dayAndTime, duration, time } from "../model/format.ts";
import { took } from "../model/product.ts";
import { dataInWords, FEW_VALUES, type Group } from "../model/timeline.ts";

const WORDS: Record<TimelineEntry["kind"], string> = { event: "event", request: "request", error: "error" };

interface Props {
  group: Group;
  traces: ReadonlyMap<string, TimelineTrace>;
  person: string;
}

export function TimelineGroup({ group, traces, person }: Props) {
  const { session, entries, idle_ms } = group;
  const first = entries.at(-1)?.time_ms ?? 0;
  return (
    <section class="timeline-group" aria-label={session ? "Session" : "Outside of sessions"}>
      <h3>
        {session ? (
          <>
            {dayAndTime(session.start_ms)} <small>{[lasted(session.start_ms, session.end_ms), counted(session.events, "event"), session.began_before ? "began earlier" : "", session.goes_on ? "went on" : ""].filter(Boolean).join(", ")}</small>
          </>
        ) : (
          <>
            {dayAndTime(first)} <small>outside of sessions</small>
          </>
        )}
      </h3>
      <ol>
        {entries.map((entry) => (
          <Entry key={entry.kind + entry.id} entry={entry} trace={traces.get(entry.trace_id ?? "")} person={person} />
        ))}
      </ol>
      {idle_ms !== null && idle_ms >= 1_000 && <p class="idle muted">{took(idle_ms)} without anything</p>}
    </section>
  );
}

function lasted(from: number, to: number): string {
  return to > from ? duration(to - from) : "";
}

function Entry({ entry, trace, person }: { entry: TimelineEntry; trace: TimelineTrace | undefined; person: string }) {
  const { kind, name, failed, status, duration_ms, error, service, version, model, fingerprint, user_id, time_ms } = entry;
  const about = [service, version, model].filter(Boolean);
  return (
    <li class={failed ? "failed" : ""}>
      <time dateTime={new Date(time_ms).toISOString()} title={dayAndTime(time_ms)}>
        {time(time_ms)}
      </time>
      <div class="what">
        <p>
          <span class={`tag ${failed ? "bad" : kind}`}>{WORDS[kind]}</span>{" "}
          {fingerprint ? (
            <a href={linkTo(ERRORS_PATH, { error: fingerprint })}>
              <bdi>{name}</bdi>
            </a>
          ) : (
            <b>
              <bdi>{name}</bdi>
            </b>
          )}
          {typeof status === "number" && <span class={failed ? "bad" : "muted"}> {status}</span>}
          {typeof duration_ms === "number" && <span> {spent(duration_ms)}</span>}
          {kind === "request" && error && <bdi class="bad"> {error}</bdi>}
          {about.length > 0 && <bdi class="muted"> {about.join(" · ")}</bdi>}
          {user_id && user_id !== person && (
            <small class="muted">
              {" "}
              as <bdi>{user_id}</bdi>
            </small>
          )}
        </p>
        <Data data={entry.data} />
        {entry.trace_id && <Trace id={entry.trace_id} trace={trace} />}
      </div>
    </li>
  );
}

/** One without stored spans is not kept any more, or was never sent. */
function Trace({ id, trace }: { id: string; trace: TimelineTrace | undefined }) {
  if (!trace) return null;
  return (
    <p>
      <a href={linkTo(TRACES_PATH, { trace: id })} title={`Trace ${id}`}>
        Trace <bdi>{trace.operation}</bdi>
      </a>{" "}
      <small class="muted">
        {spent(trace.duration_ms)}, {counted(trace.spans, "span")}
        {trace.errors > 0 && <span class="bad">, {trace.errors} failed</span>}
      </small>
    </p>
  );
}

function Data({ data }: { data: TimelineEntry["data"] }) {
  const said = dataInWords(data);
  if (!said.length) return null;
  const few = said.slice(0, FEW_VALUES);
  const all = few.length < said.length || said.some(({ cut }) => cut);
  return (
    <>
      <ul class="data">
        {few.map(({ name, value }) => (
          <li key={name}>
            <bdi class="muted">{name}</bdi> <bdi>{value}</bdi>
          </li>
        ))}
      </ul>
      {all && (
        <details>
          <summary>all data</summary>
          <pre>{JSON.stringify(data, null, 2)}</pre>
        </details>
      )}
    </>
  );
}
