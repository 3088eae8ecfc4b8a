/** Who calls whom: a picture, and the same as tables. */
import { type Asked, wordOf } from "../model/asked.ts";
import { editorAddress } from "../model/dashboards.ts";
import type { ServiceMapAnswer } from "../model/contracts.ts";
import { type TraceChoice, traceQueryOf, TRACES_PATH } from "../model/explorer.ts";
import { time } from "../model/format.ts";
import { edgeOf, waysOf } from "../model/map-edges.ts";
import { OWN_TITLE, ownShown, withoutOwn } from "../model/own-services.ts";
import { everyMs, rangeInWords } from "../model/time-range.ts";
import { OwnSwitch } from "../panels/own-switch.tsx";
import { TimeRange } from "../panels/time-range.tsx";
import { HowToSend } from "../panels/how-to-send.tsx";
import { EdgePanel, MapCalls, MapPicture } from "../panels/map-picture.tsx";
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
  const own = ownShown(choice.own, choice.service);
  const found = map.value && (own ? map.value : withoutOwn(map.value));
  const chosen = found && edgeOf(found, choice.edge);
  const chooseEdge = (edge: string) => show({ edge: choice.edge === edge ? "" : edge });
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
        <OwnSwitch own={choice.own} service={choice.service} show={(own) => show({ own })} />
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
              <p>
                No span {own ? "" : `of others than ${OWN_TITLE} `}was received {range}.
              </p>
              <HowToSend />
            </>
          )}
        </div>
      ) : (
        <>
          <MapPicture map={found} edge={choice.edge} chooseEdge={chooseEdge} choose={(service) => show({ service: choice.service === service ? "" : service })} />
          {chosen && <EdgePanel map={found} edge={chosen} ways={waysOf(chosen, new Map(found.nodes.map((node) => [node.id, node])), choice)} close={() => show({ edge: "" })} />}
          <MapCalls map={found} edge={choice.edge} chooseEdge={chooseEdge} tracesOf={(service) => TRACES_PATH + traceQueryOf({ ...choice, service })} />
        </>
      )}
    </div>
  );
}
