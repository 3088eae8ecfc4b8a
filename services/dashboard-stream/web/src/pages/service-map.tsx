/** Who calls whom: a picture, and the same as tables. */
import { type Asked, wordOf } from "../model/asked.ts";
import { editorAddress } from "../model/dashboards.ts";
import type { ServiceMapAnswer } from "../model/contracts.ts";
import { type TraceChoice, traceQueryOf, TRACES_PATH } from "../model/explorer.ts";
import { time } from "../model/format.ts";
import { everyMs, rangeInWords } from "../model/time-range.ts";
import { TimeRange } from "../panels/time-range.tsx";
import { HowToSend } from "../panels/how-to-send.tsx";
import { MapCalls, MapPicture } from "../panels/map-picture.tsx";
import { Notice } from "../panels/notice.tsx";

const MINUTE_MS = 60_000;

interface Props {
  map: Asked<ServiceMapAnswer>;
  choice: TraceChoice;
  show: (changed: Partial<TraceChoice>) => void;
  retry: () => void;
  now: number;
}

export function ServiceMapPage({ map, choice, show, retry, now }: Props) {
  const found = map.value;
  const range = rangeInWords(choice, now);
  return (
    <div class="traces">
      <h1>Service map</h1>
      {map.failure && !map.failure.key && (
        <Notice tone="bad" action="Try again" act={retry}>
          {map.failure.why}
        </Notice>
      )}
      <div class="panel trace-conditions">
        <TimeRange window={choice} show={show} now={now} />
        {choice.service && (
          <button type="button" class="tag" onClick={() => show({ service: "" })}>
            around <bdi>{found?.service_names?.[choice.service] ?? choice.service}</bdi> ×
          </button>
        )}
        {choice.service && (
          <a class="button" href={editorAddress({ of: `service:${choice.service}` })}>
            Make a dashboard
          </a>
        )}
        {found && found.to - found.complete_to > 3 * MINUTE_MS && <span class="warn">Not all is counted since {time(found.complete_to)}.</span>}
      </div>
      {found === null ? (
        <p class="panel empty">{wordOf(map, now, everyMs(choice)) === "loading" ? "Loading…" : "No answer."}</p>
      ) : found.nodes.length === 0 ? (
        <div class="panel empty">
          {choice.service ? (
            <p>
              No call to or from <bdi>{choice.service}</bdi> {range}.
            </p>
          ) : (
            <>
              <p>No span was received {range}.</p>
              <HowToSend />
            </>
          )}
        </div>
      ) : (
        <>
          <MapPicture map={found} choose={(service) => show({ service: choice.service === service ? "" : service })} />
          <MapCalls map={found} tracesOf={(service) => TRACES_PATH + traceQueryOf({ ...choice, service })} />
        </>
      )}
    </div>
  );
}
