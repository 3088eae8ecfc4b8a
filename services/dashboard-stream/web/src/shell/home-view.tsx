/** The frame around the first page. */
import { fetchAnswers, gatewayNow } from "../live/analytics.ts";
import { fetchCatalogue } from "../live/dashboards.ts";
import { fetchErrors } from "../live/explorer.ts";
import { fetchHistory, fetchNotes } from "../live/notes.ts";
import { fetchServiceMap } from "../live/traces.ts";
import { useAsked } from "../live/use-asked.ts";
import { changesOf } from "../model/changes.ts";
import { HOME_PATH } from "../model/explorer-choice.ts";
import { whole } from "../model/format.ts";
import { incidentGroups, unitsOf } from "../model/incident-history.ts";
import { isOpen } from "../model/incidents.ts";
import { insightsAt } from "../model/notes.ts";
import { isOwn } from "../model/own-services.ts";
import { apart, SERVICE_QUESTIONS, serviceHealth } from "../model/service-health.ts";
import { HomePage } from "../pages/home.tsx";
import { StartHere } from "../panels/start-here.tsx";
import { ExplorerFrame, type ExplorerProps, useClock } from "./explorer-frame.tsx";
import { useLive } from "./hooks.ts";
import { usePageTitle } from "./page-title.ts";

const EVERY_MS = 20_000;
/** It is read from the bus each time. */
const HISTORY_EVERY_MS = 30_000;
const UNITS_EVERY_MS = 600_000;
const NOW_MS = 600_000;
const DAY_MS = 86_400_000;
const LATELY_MS = 6 * 3_600_000;
/** The dashboard whose numbers say whether anything was received. */
const FIRST = "system_overview";
const ANY = { status: "", severity: "", service: "", text: "", own: "" };

export function HomeView({ places, go, theme }: ExplorerProps) {
  const now = useClock();
  const lately = () => ({ from: gatewayNow() - LATELY_MS, to: gatewayNow() });
  const [numbers, retry] = useAsked("services", EVERY_MS, async (signal) => {
    const to = gatewayNow();
    const measured = async (from: number, until: number, resolution: string) => {
      const asked = fetchAnswers({ questions: SERVICE_QUESTIONS, from, to: until, resolutions: [resolution] }, signal);
      const [answers, map] = await Promise.all([asked, fetchServiceMap(from, until, [], signal)]);
      return { answers, map };
    };
    const [recent, day] = await Promise.all([measured(to - NOW_MS, to, "1m"), measured(to - DAY_MS, to - NOW_MS, "1h")]);
    return { recent, day };
  });
  const [history, askHistory] = useAsked("history", HISTORY_EVERY_MS, (signal) => fetchHistory(lately(), signal));
  const [notes, askNotes] = useAsked("notes", HISTORY_EVERY_MS, (signal) => fetchNotes(lately(), signal));
  const [errors, askErrors] = useAsked("errors", HISTORY_EVERY_MS, (signal) => {
    const { from, to } = lately();
    return fetchErrors(new URLSearchParams({ from: String(Math.round(from)), to: String(Math.round(to)) }), signal);
  });
  const [dashboards, askDashboards] = useAsked("dashboards", UNITS_EVERY_MS, fetchCatalogue);
  const { board } = useLive(FIRST, false);

  const insights = history.value ? insightsAt(history.value.insights, { from: now - LATELY_MS }, now) : [];
  const groups = incidentGroups(insights, now, ANY);
  const open = groups.filter(isOpen);
  const every = incidentGroups(insights, now, { ...ANY, own: "1" }).filter(isOpen);
  const services = { ...numbers, value: numbers.value && serviceHealth(numbers.value.recent, numbers.value.day, NOW_MS / 1000, every.flat()) };
  const known = history.value && notes.value && errors.value;
  const changes = known && changesOf(notes.value?.notes ?? [], insights, (errors.value?.errors ?? []).filter((one) => !isOwn(one.service)), groups, now - LATELY_MS, now);
  const problems = [history.failure?.why, notes.failure?.why, errors.failure?.why, history.value?.problem].filter(Boolean);
  const wrong = services.value ? apart(services.value).watched.filter((one) => one.tone === "bad" || one.tone === "warn").length : 0;
  usePageTitle(wrong ? [`${whole(wrong)} not healthy`] : [], "Home", wrong > 0);
  const opened = () => {
    for (const ask of [retry, askHistory, askNotes, askErrors, askDashboards]) ask();
  };
  const first = dashboards.value?.find((one) => one.name === FIRST);
  return (
    <ExplorerFrame places={places} path={HOME_PATH} go={go} asked={numbers} every={EVERY_MS} now={now} theme={theme} json={`../state/${FIRST}`} what="current numbers" opened={opened}>
      <HomePage
        services={services}
        open={open}
        changes={changes}
        problem={[...new Set(problems)].join(" ")}
        dashboards={dashboards.value ?? []}
        units={unitsOf(dashboards.value ?? [])}
        retry={retry}
        now={now}
      >
        {first && <StartHere board={board} asked={first.values} origin={location.origin} />}
      </HomePage>
    </ExplorerFrame>
  );
}
