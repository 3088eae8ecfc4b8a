/** The frame around the service map. */
import { useEffect } from "preact/hooks";
import { gatewayNow } from "../live/analytics.ts";
import { fetchServiceMap } from "../live/traces.ts";
import { MAP_PATH, type TraceChoice, traceChoiceOf, traceQueryOf } from "../model/explorer.ts";
import { boundsOf, everyMs } from "../model/time-range.ts";
import { ServiceMapPage } from "../pages/service-map.tsx";
import { ExplorerFrame, type ExplorerProps, useClock } from "./explorer-frame.tsx";
import { useAsked } from "../live/use-asked.ts";

export function ServiceMapView({ query, places, go, theme }: ExplorerProps) {
  const choice = traceChoiceOf(query);
  const { service } = choice;
  const now = useClock();
  const every = everyMs(choice);
  const [map, retry] = useAsked(`${choice.range.name} ${choice.from} ${choice.to} ${service}`, every, (signal) => {
    const { from, to } = boundsOf(choice, gatewayNow());
    return fetchServiceMap(from, to, service ? [service] : [], signal);
  });
  useEffect(() => {
    document.title = "Service map · Drishti";
  }, []);
  const show = (changed: Partial<TraceChoice>) => go(MAP_PATH + traceQueryOf({ ...choice, ...changed }), { stay: true });
  const { from, to } = boundsOf(choice, now);
  const json = new URLSearchParams({ from: String(from), to: String(to), ...(service ? { service } : {}) });
  return (
    <ExplorerFrame places={places} path={MAP_PATH} go={go} asked={map} every={every} now={now} theme={theme} json={`service-map?${json}`} what="this map" opened={retry}>
      <ServiceMapPage map={map} choice={choice} show={show} retry={retry} now={now} />
    </ExplorerFrame>
  );
}
