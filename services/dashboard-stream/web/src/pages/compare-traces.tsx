/** Two traces as one tree: what each operation took in either of them, the largest differences first in words. */
import type { Asked } from "../model/asked.ts";
import { type Difference, differences, type TracePair } from "../model/compared-traces.ts";
import type { ComparisonAnswer, PathStep, PathTimes } from "../model/contracts.ts";
import { spent } from "../model/explorer.ts";
import { plain } from "../model/format.ts";
import { AskedAnswer } from "../panels/asked-answer.tsx";
import { TraceLink } from "../panels/trace-link.tsx";

const MOST_SAID = 3;

interface Props {
  answer: Asked<ComparisonAnswer>;
  pair: TracePair;
  show: (pair: TracePair) => void;
  retry: () => void;
  jaeger: string;
}

export function CompareTracesPage({ answer, pair, show, retry, jaeger }: Props) {
  const chosen = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    show({ left: String(given.get("left")).trim().toLowerCase(), right: String(given.get("right")).trim().toLowerCase() });
  };
  return (
    <div class="traces">
      <h1>Compare two traces</h1>
      <form class="panel trace-conditions" aria-label="Traces" onSubmit={chosen} key={`${pair.left} ${pair.right}`}>
        <label>
          Trace
          <input name="left" size={34} required pattern="[0-9a-fA-F]{32}" title="32 hex digits" placeholder="32 hex digits" defaultValue={pair.left} />
        </label>
        <label>
          is compared with
          <input name="right" size={34} required pattern="[0-9a-fA-F]{32}" title="32 hex digits" placeholder="32 hex digits" defaultValue={pair.right} />
        </label>
        <button type="submit">Compare</button>
        {pair.left && pair.right && (
          <button type="button" onClick={() => show({ left: pair.right, right: pair.left })}>
            Swap
          </button>
        )}
      </form>
      {pair.left && pair.right ? (
        <AskedAnswer asked={answer} retry={retry}>
          {(found) => <Compared found={found} jaeger={jaeger} />}
        </AskedAnswer>
      ) : (
        <p class="panel empty">
          Paste the ids of two traces, or open a trace and choose “Compare with another trace” there: a slow one beside a usual one of the same operation says most.
        </p>
      )}
    </div>
  );
}

function Compared({ found, jaeger }: { found: ComparisonAnswer; jaeger: string }) {
  const names = found.service_names ?? {};
  const most = Math.max(1e-9, ...found.steps.flatMap((step) => [step.times?.total_ms ?? 0, step.right?.total_ms ?? 0]));
  const said = differences(found).slice(0, MOST_SAID);
  return (
    <>
      <section class="panel" aria-label="Difference">
        <p>
          <TraceLink id={found.left} jaeger={jaeger} /> took {spent(found.left_ms)}, <TraceLink id={found.right} jaeger={jaeger} /> {spent(found.right_ms)}: <b>{changed(found.right_ms - found.left_ms)}</b>.
        </p>
        {said.length > 0 && (
          <ul class="differences">
            {said.map((one) => (
              <li key={`${one.step.service} ${one.step.operation} ${one.step.depth}`}>
                <bdi>{names[one.step.service] ?? one.step.service}</bdi>: <bdi>{one.step.operation}</bdi> {inWords(one)}
              </li>
            ))}
          </ul>
        )}
        {found.truncated && <p class="warn">The traces have more spans than were read: some are missing on either side.</p>}
        {(found.folded ?? 0) > 0 && <p class="muted">{plain(found.folded ?? 0, "{span}")} spans are counted with their callers.</p>}
      </section>
      <section class="panel compared" aria-label="Steps" tabIndex={0} role="region">
        <table>
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col" class="value">
                Calls
              </th>
              <th scope="col">First trace</th>
              <th scope="col">Second trace</th>
              <th scope="col" class="value">
                Waited for, change
              </th>
            </tr>
          </thead>
          <tbody>
            {found.steps.map((step, place) => (
              <Row key={place} step={step} name={names[step.service] ?? step.service} most={most} />
            ))}
          </tbody>
        </table>
        <p class="muted">Bars: time in all calls at that place. “Waited for”: the part of it that made the whole trace longer.</p>
      </section>
    </>
  );
}

function Row({ step, name, most }: { step: PathStep; name: string; most: number }) {
  const [left, right] = [step.times ?? null, step.right ?? null];
  const change = (right?.path_ms ?? 0) - (left?.path_ms ?? 0);
  const calls = [left, right].map((one) => (one ? plain(one.calls_each, "{call}") : "–"));
  return (
    <tr>
      <th scope="row" style={{ paddingInlineStart: `${Math.min(step.depth, 12) * 12}px` }}>
        <small>
          <bdi>{name}</bdi>
        </small>{" "}
        <bdi>{step.operation}</bdi>
      </th>
      <td class="value">{calls[0] === calls[1] ? calls[0] : `${calls[0]} → ${calls[1]}`}</td>
      <Times times={left} most={most} />
      <Times times={right} most={most} />
      <td class={`value ${Math.abs(change) < 0.01 * most ? "muted" : change > 0 ? "bad" : "good"}`}>{changed(change)}</td>
    </tr>
  );
}

function Times({ times, most }: { times: PathTimes | null; most: number }) {
  if (!times) return <td class="muted">not there</td>;
  return (
    <td class="times">
      <span class="took" style={{ width: `${(times.total_ms / most) * 100}%` }} />
      {spent(times.total_ms)}
      {times.errors > 0 && <span class="bad"> {plain(times.errors, "{call}")} failed</span>}
    </td>
  );
}

function changed(ms: number): string {
  if (Math.abs(ms) < 0.001) return "same";
  return ms > 0 ? `+${spent(ms)}` : `−${spent(-ms)}`;
}

function inWords({ step, change }: Difference): string {
  if (!step.right) return `is missing in the second: ${changed(change)}`;
  if (!step.times) return `is in the second only: ${changed(change)}`;
  return `${changed(change)} (${spent(step.times.path_ms)} → ${spent(step.right.path_ms)})`;
}
