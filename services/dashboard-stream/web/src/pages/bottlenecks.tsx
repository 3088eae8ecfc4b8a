/** The page of bottlenecks: of each root operation what its requests wait for, what would be gained, and calls that could be saved or made at once. */
import type { Asked } from "../model/asked.ts";
import type { BottlenecksAnswer, CallPattern, OperationName, PartOfRoot, RootBottlenecks } from "../model/contracts.ts";
import { BOTTLENECKS_PATH, type BottleneckChoice, linkTo, percent, sameWindow, trendInWords } from "../model/explorer-choice.ts";
import { spent, TRACES_PATH } from "../model/explorer.ts";
import { duration, plain, time } from "../model/format.ts";
import { boundsOf, rangeInWords } from "../model/time-range.ts";
import { AskedAnswer } from "../panels/asked-answer.tsx";
import { ConditionsForm, Segments } from "../panels/conditions.tsx";
import { HowToSend } from "../panels/how-to-send.tsx";
import { OwnHidden, OwnSwitch } from "../panels/own-switch.tsx";
import { TraceLink } from "../panels/trace-link.tsx";

/** Root operations that are unfolded from the start. */
const OPEN = 3;
const PARTS = 8;
const HUES = 8;
const EXAMPLES = 3;
const MINUTE_MS = 60_000;

const QUANTILES = [
  ["0.5", "p50"],
  ["", "p95"],
  ["0.99", "p99"],
] as const;

interface Props {
  answer: Asked<BottlenecksAnswer>;
  choice: BottleneckChoice;
  show: (changed: Partial<BottleneckChoice>) => void;
  retry: () => void;
  now: number;
  jaeger: string;
}

export function BottlenecksPage({ answer, choice, show, retry, now, jaeger }: Props) {
  const fields = [
    { name: "service", label: "Service", size: 14, value: choice.service },
    { name: "operation", label: "Root operation", size: 22, value: choice.operation, known: [...new Set((answer.value?.roots ?? []).map((one) => one.operation.operation))] },
  ];
  return (
    <div class="traces">
      <h1>Bottlenecks</h1>
      <ConditionsForm window={choice} show={show} now={now} fields={fields}>
        <Segments label="Which traces are slow" options={QUANTILES} value={choice.quantile} choose={(quantile) => show({ quantile })} />
        <OwnSwitch own={choice.own !== ""} service={choice.service} show={(own) => show({ own: own ? "1" : "" })} />
      </ConditionsForm>
      <AskedAnswer asked={answer} retry={retry}>
        {(found) =>
          found.roots.length === 0 ? (
            <Nothing choice={choice} show={show} now={now} />
          ) : (
            <>
              {found.roots.map((root, place) => (
                <Root key={`${root.operation.service} ${root.operation.operation} ${root.operation.kind}`} root={root} open={place < OPEN} names={found.service_names ?? {}} choice={choice} now={now} jaeger={jaeger} />
              ))}
              <p class="muted">
                {plain(found.traces_walked, "{trace}")} of {plain(found.traces_seen, "{trace}")} traces
                {found.traces_walked < found.traces_seen ? ", a sample of whole traces" : ""}; {found.roots.length} of {found.root_operations} root operations.
                {found.to - found.complete_to > 3 * MINUTE_MS && ` Not all is counted since ${time(found.complete_to)}.`} {found.method}
              </p>
            </>
          )
        }
      </AskedAnswer>
    </div>
  );
}

interface RootProps {
  root: RootBottlenecks;
  open: boolean;
  names: Record<string, string>;
  choice: BottleneckChoice;
  now: number;
  jaeger: string;
}

function Root({ root, open, names, choice, now, jaeger }: RootProps) {
  const { service, operation } = root.operation;
  const quantile = `p${Math.round(Number(choice.quantile || 0.95) * 100)}`;
  const traces = (more: Record<string, string | number>) => linkTo(TRACES_PATH, { ...sameWindow(choice), service, operation, ...more });
  const shown = root.parts.slice(0, PARTS);
  const { from, to } = boundsOf(choice, now);
  return (
    <section class="panel root-operation" aria-label={`${operation} of ${names[service] ?? service}`}>
      <details open={open}>
        <summary>
          <h2>
            <bdi>{root.summary}</bdi>
          </h2>
        </summary>
        <p class="muted">
          <a href={traces({})}>{plain(root.traces, "{trace}")} traces</a>
          {root.errors > 0 && (
            <>
              {", "}
              <a class="bad" href={traces({ status: "error" })}>
                {plain(root.errors, "{trace}")} failed
              </a>
            </>
          )}
          , {percent(root.time_share)} of the time of all · mean {spent(root.mean_ms)}, p50 {spent(root.p50_ms)}, p95 {spent(root.p95_ms)}, p99 {spent(root.p99_ms)} · {trendOf(root.trend, to - from)}
          {" · "}
          <a href={traces({ min: Math.floor(root.slow_from_ms), order: "slowest" })}>the {root.slow_traces} slowest</a> from {spent(root.slow_from_ms)} ({quantile})
        </p>
        <Bar title="all traces" parts={shown} share={(part) => part.share} names={names} />
        <Bar title="slow traces" parts={shown} share={(part) => part.slow_share} names={names} />
        <div class="scroll-x">
          <table class="trace-list calls parts">
            <thead>
              <tr>
                <th scope="col">Waits for</th>
                <th scope="col" class="value" title="Its own time on the critical path, of the time of all traces">
                  Share
                </th>
                <th scope="col" class="value" title="The same of the slow traces">
                  Slow traces
                </th>
                <th scope="col" class="value" title="On the critical path of an average trace">
                  Each trace
                </th>
                <th scope="col" class="value" title="Of an average trace, if the operation took half as long">
                  Gain if halved
                </th>
                <th scope="col" class="value" title="Against the same range a day earlier">
                  Trend
                </th>
                <th scope="col">Example</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((part, place) => (
                <tr key={place}>
                  <th scope="row">
                    <span class={`swatch hue-${place % HUES}`} aria-hidden="true" /> <Name of={part.operation} names={names} choice={choice} />
                    {part.waiting && <small> before it began</small>}
                  </th>
                  <Share of={part.share} margin={part.share_margin} />
                  <Share of={part.slow_share} margin={part.slow_share_margin} />
                  <td class="value">{spent(part.path_ms)}</td>
                  <td class="value">
                    {spent(part.gain_ms)} <small>{percent(part.gain_share)}</small>
                  </td>
                  <td class="value">{trendInWords(part.trend)}</td>
                  <td>{part.example ? <TraceLink id={part.example} jaeger={jaeger} /> : "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {root.patterns.length > 0 && (
          <>
            <h3>Calls that could be saved, or made at once</h3>
            <ul class="patterns">
              {root.patterns.map((pattern, place) => (
                <Pattern key={place} pattern={pattern} jaeger={jaeger} />
              ))}
            </ul>
          </>
        )}
      </details>
    </section>
  );
}

/** A share, or that it is not known: of a sample it may be as wrong as `margin`. */
function Share({ of, margin = null }: { of: number; margin?: number | null | undefined }) {
  if (margin === null) return <td class="value">{percent(of)}</td>;
  const most = `at most ${percent(Math.min(1, of + margin))}`;
  if (margin >= of) return <td class="value muted" title={`Of a sample: ${most}`}>too few traces</td>;
  return <td class="value" title={`Of a sample: ± ${percent(margin)}`}>{percent(of)}</td>;
}

function Name({ of, names, choice }: { of: OperationName; names: Record<string, string>; choice: BottleneckChoice }) {
  return (
    <a href={linkTo(TRACES_PATH, { ...sameWindow(choice), service: of.service, operation: of.operation })}>
      <bdi>{names[of.service] ?? of.service}</bdi>: <bdi>{of.operation}</bdi>
    </a>
  );
}

function Bar({ title, parts, share, names }: { title: string; parts: PartOfRoot[]; share: (part: PartOfRoot) => number; names: Record<string, string> }) {
  const text = (part: PartOfRoot) => `${names[part.operation.service] ?? part.operation.service}: ${part.operation.operation}${part.waiting ? " (waiting)" : ""}, ${percent(share(part))}`;
  const shown = parts.map((part, place) => ({ part, place })).filter(({ part }) => share(part) > 0);
  return (
    <div class="share-line">
      <small>{title}</small>
      <div class="shares" role="img" aria-label={`Of ${title}: ${shown.map(({ part }) => text(part)).join("; ")}`}>
        {shown.map(({ part, place }) => (
          <span key={place} class={`hue-${place % HUES}${part.waiting ? " waiting" : ""}`} title={text(part)} style={{ width: `${share(part) * 100}%` }} />
        ))}
      </div>
    </div>
  );
}

function Pattern({ pattern, jaeger }: { pattern: CallPattern; jaeger: string }) {
  return (
    <li>
      <span class="tag">{pattern.kind === "repeated" ? "N + 1 calls" : "one after the other"}</span> <bdi>{pattern.summary}</bdi>
      <p class="muted">
        {plain(pattern.calls_each)} calls in each of {plain(pattern.traces, "{trace}")} traces ({percent(pattern.share_of_traces)}), {pattern.most} at most; up to {spent(pattern.gain_ms)} to gain. For example{" "}
        {pattern.examples.slice(0, EXAMPLES).map((id) => (
          <span key={id}>
            <TraceLink id={id} jaeger={jaeger} />{" "}
          </span>
        ))}
      </p>
    </li>
  );
}

function trendOf(trend: number | null | undefined, ms: number): string {
  if (trend === null || trend === undefined) return "nothing to compare with a day earlier";
  const words = trendInWords(trend);
  return words === "same" ? "as long as a day earlier" : `${words} against the same ${duration(ms)} a day earlier`;
}

function Nothing({ choice, show, now }: Pick<Props, "choice" | "show" | "now">) {
  const bare = !choice.service && !choice.operation;
  return (
    <div class="panel empty">
      <p>
        No trace {bare ? "was received" : "meets these conditions"} {rangeInWords(choice, now)}.
      </p>
      <OwnHidden own={choice.own !== ""} service={choice.service} show={(own) => show({ own: own ? "1" : "" })} />
      {bare ? (
        <HowToSend />
      ) : (
        <p>
          <a href={linkTo(BOTTLENECKS_PATH, sameWindow(choice))} onClick={(event) => { event.preventDefault(); show({ service: "", operation: "" }); }}>
            Clear conditions
          </a>
        </p>
      )}
    </div>
  );
}
