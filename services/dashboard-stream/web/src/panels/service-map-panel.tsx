/** Who calls whom, in a panel: a click on a service shows it with its neighbours. */
import { useContext, useState } from "preact/hooks";
import { fetchServiceMap } from "../live/traces.ts";
import type { ServiceMapAnswer, ServiceMapPanel as ServiceMap } from "../model/contracts.ts";
import { linkTo } from "../model/explorer-choice.ts";
import { MAP_PATH, TRACES_PATH } from "../model/explorer.ts";
import { mapAround } from "../model/map-edges.ts";
import { keyOf } from "../model/panels.ts";
import { anyOf } from "../model/searches.ts";
import { AskedPanel } from "./asked-panel.tsx";
import { HowToSend } from "./how-to-send.tsx";
import { MapCalls, MapPicture } from "./map-picture.tsx";
import type { Seen } from "./panel-data.ts";
import { StoredAnswers } from "./stored-answers.ts";

export function ServiceMapPanel({ panel, seen }: { panel: ServiceMap; seen: Seen }) {
  const [chosen, setChosen] = useState<string | null>(null);
  // What is stored is of what was shown then: the part of it around a service is drawn.
  const isStored = useContext(StoredAnswers) !== null;
  const choose = (service: string) => setChosen(isStored ? service || null : service);
  const drawn = (map: ServiceMapAnswer) => (isStored && chosen ? mapAround(map, chosen) : map);
  const around = chosen === null ? anyOf(panel.service, panel.services) : [chosen].filter(Boolean);
  const only = around.length === 1 ? (around[0] as string) : "";
  const range = { from: Math.round(seen.now - seen.minutes * 60_000), to: Math.round(seen.now) };
  return (
    <AskedPanel
      id={keyOf(panel)}
      title={panel.title}
      link={around.length > 1 ? "" : linkTo(MAP_PATH, { service: only, ...range })}
      asks={JSON.stringify(around)}
      seen={seen}
      kind="map"
      ask={(from, to, signal) => fetchServiceMap(from, to, around, signal)}
      rows={(map) => ({
        columns: [
          { title: "Caller", unit: "", kind: "text" },
          { title: "Callee", unit: "", kind: "text" },
          { title: "Calls", unit: "", kind: "number" },
          { title: "Rate", unit: "/s", kind: "number" },
          { title: "Failed", unit: "share", kind: "number" },
          { title: "p95", unit: "ms", kind: "number" },
        ],
        rows: drawn(map).edges.map(({ caller, callee, traffic }) => [caller, callee, traffic.calls ?? 0, traffic.rate ?? 0, traffic.error_rate ?? 0, traffic.p95_ms ?? null]),
      })}
    >
      {(stored) => {
        const map = drawn(stored);
        return (
          <>
            {around.length > 0 && (
              <button type="button" class="tag" disabled={isStored && !chosen} onClick={() => choose("")}>
                around <bdi>{around.map((one) => map.service_names?.[one] ?? one).join(", ")}</bdi> ×
              </button>
            )}
            {map.nodes.length ? (
              <>
                <MapPicture map={map} choose={(service) => choose(only === service ? "" : service)} />
                <details>
                  <summary>Calls as a table</summary>
                  <MapCalls map={map} tracesOf={(service) => linkTo(TRACES_PATH, { service, ...range })} />
                </details>
              </>
            ) : (
              <div class="empty">
                <p>{around.length ? "No call to or from it in this range." : "No span was received in this range."}</p>
                {!around.length && <HowToSend />}
              </div>
            )}
          </>
        );
      }}
    </AskedPanel>
  );
}
