/** The frame around the page of incidents. */
import { gatewayNow } from "../live/analytics.ts";
import { fetchCatalogue } from "../live/dashboards.ts";
import { fetchHistory } from "../live/notes.ts";
import { useAsked } from "../live/use-asked.ts";
import { choiceOf, INCIDENT_FIELDS, type IncidentChoice, INCIDENTS_PATH, queryOf } from "../model/explorer-choice.ts";
import { whole } from "../model/format.ts";
import { incidentGroups, unitsOf } from "../model/incident-history.ts";
import { isOpen } from "../model/incidents.ts";
import { insightsAt } from "../model/notes.ts";
import { boundsOf, everyMs } from "../model/time-range.ts";
import { IncidentsPage } from "../pages/incidents.tsx";
import { ExplorerFrame, type ExplorerProps, useClock } from "./explorer-frame.tsx";
import { usePageTitle } from "./page-title.ts";

/** It is read from the bus each time. */
const EVERY_MS = 15_000;
const UNITS_EVERY_MS = 600_000;

export function IncidentsView({ query, places, go, theme }: ExplorerProps) {
  const choice = choiceOf(query, INCIDENT_FIELDS);
  const now = useClock();
  const every = Math.max(EVERY_MS, everyMs(choice));
  const any = { status: "", severity: "", service: "", text: "", own: "" };
  const key = queryOf({ ...choice, ...any }, INCIDENT_FIELDS) || "?";
  const [history, retry] = useAsked(key, every, (signal) => {
    return fetchHistory(boundsOf(choice, gatewayNow()), signal);
  });
  const [dashboards, askDashboards] = useAsked("dashboards", UNITS_EVERY_MS, fetchCatalogue);
  const open = history.value ? incidentGroups(insightsAt(history.value.insights, boundsOf(choice, now), now), now, any).filter(isOpen).length : 0;
  usePageTitle(open ? [`${whole(open)} open`] : [], "Incidents", open > 0);
  const show = (changed: Partial<IncidentChoice>) => go(INCIDENTS_PATH + queryOf({ ...choice, ...changed }, INCIDENT_FIELDS), { stay: true });
  const { from, to } = boundsOf(choice, now);
  const opened = () => {
    retry();
    askDashboards();
  };
  return (
    <ExplorerFrame places={places} path={INCIDENTS_PATH} go={go} asked={history} every={every} now={now} theme={theme} json={`../insight-history?from=${from}&to=${to}`} what="what models said" opened={opened}>
      <IncidentsPage history={history} units={unitsOf(dashboards.value ?? [])} choice={choice} show={show} retry={retry} now={now} />
    </ExplorerFrame>
  );
}
