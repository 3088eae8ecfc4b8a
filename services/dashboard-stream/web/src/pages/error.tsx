/** One error: where it comes from, how often it came, who met it, what its traces share; and what an editor says about it. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Asked } from "../model/asked.ts";
import type { ErrorAnswer, ErrorFrame, ErrorGroup, ErrorsWith, SharedAnswer } from "../model/contracts.ts";
import type { Session } from "../model/definition.ts";
import { ERRORS_PATH, type ErrorChoice, linkTo, LOGS_PATH, sameWindow } from "../model/explorer-choice.ts";
import { TRACES_PATH } from "../model/explorer.ts";
import { dayAndTime, plain, time } from "../model/format.ts";
import { boundsOf } from "../model/time-range.ts";
import { AskedAnswer } from "../panels/asked-answer.tsx";
import { SharedFindings } from "../panels/shared-findings.tsx";
import { TimeRange } from "../panels/time-range.tsx";
import { TraceLink } from "../panels/trace-link.tsx";
import { UserLink } from "../panels/user-link.tsx";
import { When } from "../panels/when.tsx";
import { ErrorBadges } from "./errors.tsx";

export type ChangeError = (status: ErrorGroup["status"], version: string) => Promise<void>;

interface Props {
  error: Asked<ErrorAnswer>;
  shared: Asked<SharedAnswer>;
  session: Session | null;
  choice: ErrorChoice;
  show: (changed: Partial<ErrorChoice>) => void;
  change: ChangeError;
  retry: () => void;
  retryShared: () => void;
  now: number;
  /** Where an editor gives the key. */
  keyForm: ComponentChildren;
}

export function ErrorPage({ error, shared, session, choice, show, change, retry, retryShared, now, keyForm }: Props) {
  const jaeger = session?.jaeger_ui_url ?? "";
  return (
    <div class="traces">
      <p class="back">
        <a href={linkTo(ERRORS_PATH, sameWindow(choice))}>← Errors</a>
      </p>
      <AskedAnswer asked={error} retry={retry}>
        {(found) => (
          <>
            <div class="panel trace-head">
              <h1>
                <bdi>{found.error.title}</bdi>
              </h1>
              <p>
                <bdi>{found.service_names?.[found.error.service] ?? found.error.service}</bdi>
                {found.operation && (
                  <>
                    , <bdi>{found.operation}</bdi>
                  </>
                )}
                <span class="muted">
                  {" "}
                  · <bdi>{found.error.culprit}</bdi>
                </span>{" "}
                <span class="tag">{found.error.status}</span> <ErrorBadges error={{ ...found.error, status: "open" }} />
              </p>
              <p class="muted">
                {plain(found.error.count, "{error}")} in all, first seen <When at={found.error.first_seen_ms} now={now} />, last <When at={found.error.last_seen_ms} now={now} />
                {found.error.regressions > 0 && found.error.regressed_ms && (
                  <>
                    ; came back {found.error.regressions === 1 ? "once" : `${found.error.regressions} times`}, last <When at={found.error.regressed_ms} now={now} />
                  </>
                )}
                {found.error.resolved_in && <>; resolved in {found.error.resolved_in}</>}
              </p>
              <Actions error={found} session={session} change={change} keyForm={keyForm} />
            </div>
            <div class="panel trace-conditions">
              <TimeRange window={choice} show={show} now={now} />
              <a href={tracesOf(found, choice)}>Failed traces of this operation</a>
              <a href={linkTo(LOGS_PATH, { ...sameWindow(choice), service: found.error.service, severity: "error" })}>Error logs of this service</a>
            </div>
            <Rate error={found} now={now} />
            <Stack error={found} />
            <section class="panel" aria-label="Traces">
              <h2>Traces with this error</h2>
              <Traces error={found} jaeger={jaeger} now={now} choice={choice} />
              <SharedFindings shared={shared} bad="traces with this error" jaeger={jaeger} retry={retryShared} />
            </section>
            <div class="columns">
              <Values title="Routes" values={found.routes} now={now} />
              <Values title="Versions" values={found.versions} now={now} />
            </div>
          </>
        )}
      </AskedAnswer>
    </div>
  );
}

function tracesOf(found: ErrorAnswer, choice: ErrorChoice, more: Record<string, string | number> = {}): string {
  return linkTo(TRACES_PATH, { ...sameWindow(choice), service: found.error.service, operation: found.operation ?? "", status: "error", ...more });
}

function Actions({ error, session, change, keyForm }: { error: ErrorAnswer; session: Session | null; change: ChangeError; keyForm: ComponentChildren }) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [version, setVersion] = useState("");
  if (session === null) return null;
  if (!session.may_edit) {
    return (
      <div class="error-actions">
        <span class="muted">Resolving and ignoring needs the key of an editor.</span> {keyForm}
      </div>
    );
  }
  const { status } = error.error;
  const set = async (wanted: ErrorGroup["status"]) => {
    setBusy(true);
    setProblem("");
    try {
      await change(wanted, wanted === "resolved" ? version.trim() : "");
    } catch (failure) {
      setProblem(failure instanceof Error ? failure.message : String(failure));
    }
    setBusy(false);
  };
  return (
    <div class="error-actions" role="group" aria-label="Status of the error">
      {status !== "resolved" && (
        <>
          <button type="button" disabled={busy} onClick={() => void set("resolved")}>
            Resolve
          </button>
          <label>
            in version <input size={8} placeholder="any" value={version} onInput={(event) => setVersion((event.target as HTMLInputElement).value)} />
          </label>
        </>
      )}
      {status !== "ignored" && (
        <button type="button" disabled={busy} onClick={() => void set("ignored")}>
          Ignore
        </button>
      )}
      {status !== "open" && (
        <button type="button" disabled={busy} onClick={() => void set("open")}>
          Reopen
        </button>
      )}
      <span class="bad" role="alert">
        {problem}
      </span>
    </div>
  );
}

function Rate({ error, now }: { error: ErrorAnswer; now: number }) {
  const step = error.step_s * 1000;
  const first = Math.floor(error.from / step);
  const steps = Math.max(1, Math.ceil(error.to / step) - first);
  const counts = new Map(error.rate.map((one) => [Math.round(one.time_ms / step), one.count]));
  const most = Math.max(...counts.values(), 1);
  const said = now - error.from > 86_400_000 ? dayAndTime : time;
  return (
    <section class="panel" aria-label="How often it came">
      <h2>
        {plain(error.error.in_range, "{error}")}
        {error.error.in_range >= 10_000 && "+"} in this range
        {error.users > 0 && `, for ${plain(error.users, "{user}")} ${error.users === 1 ? "user" : "users"}`}
      </h2>
      {error.rate.length === 0 ? (
        <p class="muted">None in this range.</p>
      ) : (
        <>
          <div class="histogram rate">
            {Array.from({ length: steps }, (_, place) => {
              const at = (first + place) * step;
              const count = counts.get(first + place) ?? 0;
              const label = `${said(at)}: ${count}`;
              if (!count) return <span key={at} class="nothing" />;
              return (
                <a key={at} href={linkTo(TRACES_PATH, { from: at, to: at + step, service: error.error.service, operation: error.operation ?? "", status: "error" })} title={`${label}. Shows failed traces.`} aria-label={`${label}, failed traces`}>
                  <span class="column bad" style={{ height: `${Math.max(4, (count / most) * 100)}%` }} />
                </a>
              );
            })}
          </div>
          <p class="scale muted">
            <span>{said(error.from)}</span>
            <span>{said(error.to)}</span>
          </p>
        </>
      )}
    </section>
  );
}

function Stack({ error }: { error: ErrorAnswer }) {
  const frames = error.frames ?? [];
  return (
    <section class="panel" aria-label="Where it comes from">
      <h2>
        <bdi>{error.error.type}</bdi>
        {error.raised_as && error.raised_as !== error.error.type && (
          <span class="muted">
            {" "}
            raised as <bdi>{error.raised_as}</bdi>
          </span>
        )}
      </h2>
      {error.message && <pre class="message">{error.message}</pre>}
      {frames.length === 0 ? (
        <p class="muted">It came without a stack trace: the instrumentation recorded no exception.</p>
      ) : (
        <ol class="frames" aria-label="Stack trace, innermost call first">
          {frames.map((frame: ErrorFrame, place) => (
            <li key={place} class={frame.in_app ? "in-app" : ""}>
              <code>{frame.function}</code>{" "}
              <span class="muted">
                <bdi>{frame.where}</bdi>
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function Traces({ error, jaeger, now, choice }: { error: ErrorAnswer; jaeger: string; now: number; choice: ErrorChoice }) {
  const { from, to } = boundsOf(choice, now);
  if (!error.traces.length) {
    return (
      <p class="muted">
        None between {dayAndTime(from)} and {dayAndTime(to)}: choose a longer range.
      </p>
    );
  }
  return (
    <div class="scroll-x">
      <table class="trace-list calls">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Trace</th>
            <th scope="col">Route</th>
            <th scope="col">User</th>
            <th scope="col">Version</th>
          </tr>
        </thead>
        <tbody>
          {error.traces.map((one) => (
            <tr key={one.span_id}>
              <td>
                <When at={one.time_ms} now={now} />
              </td>
              <td>
                <TraceLink id={one.trace_id} span={one.span_id} jaeger={jaeger} />
              </td>
              <td>
                <bdi>{one.route ?? "–"}</bdi>
              </td>
              <td>
                {one.user_id ? (
                  <UserLink id={one.user_id} />
                ) : (
                  "–"
                )}
              </td>
              <td>
                <bdi>{one.version ?? "–"}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Values({ title, values, now }: { title: string; values: ErrorsWith[]; now: number }) {
  if (!values.length) return null;
  const most = Math.max(...values.map((one) => one.count));
  return (
    <section class="panel facets" aria-label={title}>
      <h2>{title}</h2>
      <ul>
        {values.map((one) => (
          <li key={one.value} class="shown-value">
            <span class="bar" style={{ width: `${(one.count / most) * 100}%` }} />
            <bdi>{one.value}</bdi>
            <span class="value">
              {plain(one.count, "{error}")} <small>first <When at={one.first_seen_ms} now={now} /></small>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
