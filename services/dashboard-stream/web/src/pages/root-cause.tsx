/** The page of a trouble: which services are suspects, by which way it came to those who noticed, and what speaks for it. */
import { useEffect, useState } from "preact/hooks";
import type { Asked } from "../model/asked.ts";
import type { CauseSuspect, RootCauseAnswer, SharedAnswer } from "../model/contracts.ts";
import { CAUSES_PATH, type CauseChoice, ERRORS_PATH, linkTo, LOGS_PATH, sameWindow } from "../model/explorer-choice.ts";
import { MAP_PATH, TRACES_PATH } from "../model/explorer.ts";
import { plain, whole } from "../model/format.ts";
import { boundsOf, windowInWords } from "../model/time-range.ts";
import { AskedAnswer } from "../panels/asked-answer.tsx";
import { OwnSwitch } from "../panels/own-switch.tsx";
import { SharedFindings } from "../panels/shared-findings.tsx";

const MINUTE_MS = 60_000;
/** The first minutes of a trouble say most. */
const LAST_MINUTES = [5, 10, 30];

/** What kinds of evidence are called. */
const KINDS: Readonly<Record<string, string>> = {
  own_time: "slow in itself",
  gap: "slow to be reached or to answer",
  path: "does something else than usual",
  log_lines: "logs what it usually does not",
  errors: "fails",
  gauge: "uses more of the processor",
};

interface Props {
  answer: Asked<RootCauseAnswer>;
  shared: Asked<SharedAnswer>;
  choice: CauseChoice;
  show: (changed: CauseChoice) => void;
  retry: () => void;
  retryShared: () => void;
  now: number;
  jaeger: string;
}

export function RootCausePage({ answer, shared, choice, show, retry, retryShared, now, jaeger }: Props) {
  return (
    <div class="traces">
      <h1>Root cause</h1>
      <WindowForm choice={choice} show={show} now={now} />
      <AskedAnswer asked={answer} retry={retry}>
        {(found) => (
          <>
            <div class="panel">
             <p>
              {found.clear && found.suspects[0] ? (
                <>
                  From {windowInWords(found, now)}, look first at <b><bdi>{nameOf(found.suspects[0].service, found)}</bdi></b>.
                </>
              ) : (
                <>
                  <b>No clear suspect</b> from {windowInWords(found, now)}
                  {found.note ? `: ${found.note}` : ""}.
                </>
              )}{" "}
              <span class="muted">
                {plain(found.traces, "{trace}")} traces against {plain(found.usual_traces, "{trace}")} of the time before, since {windowInWords({ from: found.usual_from, to: found.from }, now)}
                {found.sampled < 1 && found.traces > 0 && `; a sample of ${whole(found.sampled * 100)} % of the traces was examined`}
                {found.complete_to < found.to && now - found.to < 10 * MINUTE_MS && "; the last minute is not complete yet"}.
              </span>
             </p>
             {!found.clear && (
               <p class="muted">
                 Choose the minutes in which the trouble began: the first three to five say most. They are compared with the hour before them, so there must have been requests then, too.
               </p>
             )}
            </div>
            {found.suspects.length > 0 && (
              <ol class="suspects">
                {found.suspects.map((one, place) => (
                  <Suspect key={one.service} suspect={one} place={place + 1} most={found.suspects[0]?.score ?? 1} answer={found} />
                ))}
              </ol>
            )}
            <div class="panel">
              <SharedFindings shared={shared} bad="failing traces" jaeger={jaeger} retry={retryShared} />
            </div>
          </>
        )}
      </AskedAnswer>
    </div>
  );
}

function Suspect({ suspect, place, most, answer }: { suspect: CauseSuspect; place: number; most: number; answer: RootCauseAnswer }) {
  const { service } = suspect;
  const window = { from: answer.from, to: answer.to };
  const weightiest = Math.max(...suspect.evidence.map((one) => one.weight), 1e-9);
  return (
    <li class="panel suspect">
      <h2>
        {place}. <bdi>{nameOf(service, answer)}</bdi>{" "}
        <span class="tag">{KINDS[suspect.kind] ?? suspect.kind}</span>
      </h2>
      <div class="score" role="img" aria-label={`Weight of all evidence: ${plain(suspect.score)}`}>
        <span style={{ width: `${Math.max(1, (suspect.score / Math.max(most, 1e-9)) * 100)}%` }} />
      </div>
      {suspect.path.length > 1 && (
        <p>
          <span class="muted">The way of the requests: </span>
          {suspect.path.map((one, step) => (
            <span key={step}>
              {step > 0 && " → "}
              {one === service ? <b><bdi>{nameOf(one, answer)}</bdi></b> : <bdi>{nameOf(one, answer)}</bdi>}
            </span>
          ))}
        </p>
      )}
      <ul class="evidence">
        {suspect.evidence.map((one, position) => (
          <li key={position}>
            <span class="bar" style={{ width: `${(one.weight / weightiest) * 100}%` }} />
            <bdi>{one.summary}</bdi> <small title="In nats: calls times the logarithm of how many times more than usual">weight {plain(one.weight)}</small>
          </li>
        ))}
      </ul>
      <p class="links">
        <a href={linkTo(TRACES_PATH, { ...window, service, order: "slowest" })}>Slowest traces</a>
        <a href={linkTo(TRACES_PATH, { ...window, service, status: "error" })}>Failed traces</a>
        <a href={linkTo(LOGS_PATH, { ...window, service })}>Logs</a>
        <a href={linkTo(ERRORS_PATH, { ...window, service })}>Errors</a>
        <a href={linkTo(MAP_PATH, { ...window, service })}>On the map</a>
      </p>
    </li>
  );
}

function nameOf(service: string, answer: RootCauseAnswer): string {
  return answer.service_names?.[service] ?? service;
}

function WindowForm({ choice, show, now }: Pick<Props, "choice" | "show" | "now">) {
  const { from, to } = boundsOf(choice, now);
  const [typed, setTyped] = useState({ from: "", to: "" });
  const [problem, setProblem] = useState("");
  useEffect(() => {
    setTyped(choice.from ? { from: localOf(choice.from), to: localOf(choice.to) } : { from: "", to: "" });
    setProblem("");
  }, [choice.from, choice.to]);
  const submit = (event: Event) => {
    event.preventDefault();
    const wanted = { from: Date.parse(typed.from || localOf(from)), to: Date.parse(typed.to || localOf(to)) };
    if (!(wanted.from < wanted.to)) {
      setProblem("The trouble must begin before it ends.");
      return;
    }
    show({ ...choice, ...wanted });
  };
  return (
    <form class="panel trace-conditions" onSubmit={submit} aria-label="When the trouble was">
      <div class="segments" role="group" aria-label="Time range">
        {LAST_MINUTES.map((minutes) => (
          <button type="button" key={minutes} onClick={() => show({ ...choice, from: Math.round(now - minutes * MINUTE_MS), to: Math.round(now) })}>
            last {minutes} min
          </button>
        ))}
      </div>
      <label>
        The trouble began
        <input type="datetime-local" step={1} value={typed.from || localOf(from)} onInput={(event) => setTyped({ ...typed, from: (event.target as HTMLInputElement).value })} />
      </label>
      <label>
        and is looked at until
        <input type="datetime-local" step={1} value={typed.to || localOf(to)} onInput={(event) => setTyped({ ...typed, to: (event.target as HTMLInputElement).value })} />
      </label>
      <button type="submit">Find the cause</button>
      <OwnSwitch own={choice.own !== ""} service="" show={(own) => show({ ...choice, own: own ? "1" : "" })} />
      <a href={linkTo(CAUSES_PATH, { ...sameWindow({ ...choice, from: from - 5 * MINUTE_MS, to: to - 5 * MINUTE_MS }), own: choice.own })}>5 min earlier</a>
      <p class="fault" role="alert">
        {problem}
      </p>
    </form>
  );
}

/** As an input of the day and the time has it, in the browser's zone. */
function localOf(at: number): string {
  const zone = new Date(at).getTimezoneOffset() * MINUTE_MS;
  return new Date(at - zone).toISOString().slice(0, 19);
}
