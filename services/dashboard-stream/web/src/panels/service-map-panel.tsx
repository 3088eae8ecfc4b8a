/** Who calls whom, in a panel: a click on a service shows it with its neighbours. */
import { useState } from "preact/hooks";
import { fetchServiceMap } from "../live/traces.ts";
import type { ServiceMapPanel as ServiceMap } from "../model/contracts.ts";
import { linkTo } from "../model/explorer-choice.ts";
import { MAP_PATH, TRACES_PATH } from "../model/explorer.ts";
import { AskedPanel } from "./asked-panel.tsx";
import { HowToSend } from "./how-to-send.tsx";
import { MapCalls, MapPicture } from "./map-picture.tsx";
import type { Seen } from "./panel-data.ts";

export function ServiceMapPanel({ panel, seen }: { panel: ServiceMap; seen: Seen }) {
  const [chosen, choose] = useState<string | null>(null);
  const around = chosen ?? panel.service ?? "";
  const range = { from: Math.round(seen.now - seen.minutes * 60_000), to: Math.round(seen.now) };
  return (
    <AskedPanel
      title={panel.title}
      link={linkTo(MAP_PATH, { service: around, ...range })}
      asks={around}
      seen={seen}
      kind="map"
      ask={(from, to, signal) => fetchServiceMap(from, to, around, signal)}
      rows={({ edges }) => ({
        columns: [
          { title: "Caller", unit: "", kind: "text" },
          { title: "Callee", unit: "", kind: "text" },
          { title: "Calls", unit: "", kind: "number" },
          { title: "Rate", unit: "/s", kind: "number" },
          { title: "Failed", unit: "share", kind: "number" },
          { title: "p95", unit: "ms", kind: "number" },
        ],
        rows: edges.map(({ caller, callee, traffic }) => [caller, callee, traffic.calls ?? 0, traffic.rate ?? 0, traffic.error_rate ?? 0, traffic.p95_ms ?? null]),
      })}
    >
      {(map) => (
        <>
          {around && (
            <button type="button" class="tag" onClick={() => choose("")}>
              around <bdi>{map.service_names?.[around] ?? around}</bdi> ×
            </button>
          )}
          {map.nodes.length ? (
            <>
              <MapPicture map={map} choose={(service) => choose(around === service ? "" : service)} />
              <details>
                <summary>Calls as a table</summary>
                <MapCalls map={map} tracesOf={(service) => linkTo(TRACES_PATH, { service, ...range })} />
              </details>
            </>
          ) : (
            <div class="empty">
              <p>{around ? "No call to or from it in this range." : "No span was received in this range."}</p>
              {!around && <HowToSend />}
            </div>
          )}
        </>
      )}
    </AskedPanel>
  );
}
