/** The frame around the service map. */
import { useEffect } from "preact/hooks";
import type { Theme } from "../charts/palette.ts";
import { gatewayNow } from "../live/analytics.ts";
import { fetchServiceMap } from "../live/traces.ts";
import { ageInWords, wordOf } from "../model/asked.ts";
import { MAP_PATH, type TraceChoice, traceChoiceOf, traceQueryOf } from "../model/explorer.ts";
import { ServiceMapPage } from "../pages/service-map.tsx";
import { KeyForm } from "./banner.tsx";
import { ExplorerFrame, STATUS, useClock } from "./explorer-frame.tsx";
import type { Place } from "./header.tsx";
import type { Go } from "./hooks.ts";
import { useAsked } from "./use-asked.ts";

interface Props {
  query: string;
  places: Place[];
  go: Go;
  theme: Theme;
}

export function ServiceMapView({ query, places, go, theme }: Props) {
  const choice = traceChoiceOf(query);
  const { range, service } = choice;
  const now = useClock();
  const [map, retry] = useAsked(`${range.name} ${service}`, range.every_ms, (signal) => {
    const to = gatewayNow();
    return fetchServiceMap(to - range.ms, to, service, signal);
  });
  useEffect(() => {
    document.title = "Service map · Drishti";
  }, []);
  const show = (changed: Partial<TraceChoice>) => go(MAP_PATH + traceQueryOf({ ...choice, ...changed }), { stay: true });
  const word = wordOf(map, now, range.every_ms);
  const json = new URLSearchParams({ from: `now-${Math.round(range.ms / 60_000)}m`, ...(service ? { service } : {}) });
  return (
    <ExplorerFrame
      places={places}
      path={MAP_PATH}
      go={go}
      status={STATUS[word]}
      age={word === "refreshing" ? "refreshing…" : ageInWords(map, now)}
      theme={theme}
      json={`service-map?${json}`}
      what="this map"
    >
      {map.failure?.key && <KeyForm why={`${map.failure.why}.`} opened={retry} />}
      <ServiceMapPage map={map} choice={choice} show={show} retry={retry} now={now} />
    </ExplorerFrame>
  );
}
