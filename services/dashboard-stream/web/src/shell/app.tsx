/** Which page the address names, and what stands above all of them: the ways to the others. */
import { useRef } from "preact/hooks";
import type { Dashboard } from "../model/catalogue.ts";
import { DASHBOARDS_PATH, inNavigation, SETTINGS_PATH } from "../model/dashboards.ts";
import { DashboardView } from "./dashboard-view.tsx";
import type { ExplorerProps } from "./explorer-frame.tsx";
import type { Place } from "./header.tsx";
import { BOTTLENECKS_PATH, CAUSES_PATH, ERRORS_PATH, HOME_PATH, INCIDENTS_PATH, LOGS_PATH } from "../model/explorer-choice.ts";
import { MAP_PATH, TRACES_PATH } from "../model/explorer.ts";
import { METRICS_PATH } from "../model/metric-choice.ts";
import type { Action } from "../model/palette.ts";
import { ACTIVITY_PATH, COHORTS_PATH, ENGAGEMENT_PATH, EXPERIENCE_PATH, FUNNELS_PATH, JOURNEYS_PATH, RETENTION_PATH, SESSIONS_PATH, USERS_PATH } from "../model/product.ts";
import { shownOf, timeQueryOf } from "../model/shown-time.ts";
import { leave, type Page, pageAt, useCatalogue, useRoute, useTheme } from "./hooks.ts";
import { toggleKiosk, useKiosk } from "./kiosk.ts";
import { ChartsMissing, lazyPart, type LazyPage, lazyPage, usePreloading } from "./lazy-page.tsx";
import { Offline } from "./offline.tsx";
import { Rotation } from "./rotation.tsx";
import { OpenPalette, useShortcuts } from "./shortcuts.ts";
import { usePinned } from "./pinned.ts";
import { toggle } from "./theme.ts";

export function App() {
  const [catalogue, readAgain] = useCatalogue();
  const [route, go] = useRoute();
  const theme = useTheme();
  usePreloading(PARTS, pageOf);
  // The way back to a dashboard, and to another one, leads to the same time.
  const time = useRef("");
  if (route.page === "dashboard") time.current = timeQueryOf(shownOf(route.query, Date.now()));
  const [pinned, pin] = usePinned();
  const named = inNavigation(catalogue ?? [], pinned, route.page === "dashboard" ? route.name : "");
  const places = placesOf(named, time.current);
  const toAddress = (address: string) => {
    const same = places.find((one) => one.path === address);
    leave(go, address + (same?.query ?? ""));
  };
  const [opened, open] = useShortcuts(toAddress, () => toggleKiosk(go));
  useKiosk(route.query);
  const close = () => open(null);
  const act = (action: Action) => {
    if (action === "theme") toggle();
    else if (action === "kiosk") toggleKiosk(go);
    else if (action === "shortcuts") open("shortcuts");
    else document.querySelector<HTMLElement>(".notes .add-note")?.click();
  };
  return (
    <OpenPalette.Provider value={() => open("palette")}>
      <ChartsMissing />
      <Offline />
      {route.page === "dashboard" && <Rotation query={route.query} name={route.name} dashboards={catalogue ?? []} listed={named} go={go} />}
      {viewOf()}
      {opened && <Dialogs opened={opened} places={places} dashboards={catalogue ?? []} go={toAddress} act={act} close={close} />}
    </OpenPalette.Provider>
  );

  function viewOf() {
    if (route.page === "dashboards-list") {
      return <DashboardsView query={route.query} places={places} go={go} theme={theme} pinned={pinned} pin={pin} changed={readAgain} />;
    }
    if (route.page === "dashboard-editor") {
      return <EditorView key={route.query} query={route.query} places={places} go={go} theme={theme} dashboards={catalogue} changed={readAgain} />;
    }
    if (route.page !== "dashboard") {
      const View = VIEWS[route.page];
      return <View query={route.query} places={places} go={go} theme={theme} />;
    }
    return <DashboardView name={route.name} query={route.query} catalogue={catalogue} readAgain={readAgain} places={places} go={go} theme={theme} />;
  }
}

const Dialogs = lazyPart(() => import("./dialogs.tsx").then((module) => module.Dialogs));
const DashboardsView = lazyPage(() => import("./dashboards-view.tsx").then((module) => module.DashboardsView));
const EditorView = lazyPage(() => import("./editor-view.tsx").then((module) => module.EditorView));

/** Each is fetched when it is needed: a dashboard, which is what most people open, comes without them. */
const VIEWS: Record<Exclude<Page, "dashboards-list" | "dashboard-editor">, LazyPage<ExplorerProps>> = {
  metrics: lazyPage(() => import("./metrics-view.tsx").then((module) => module.MetricsView)),
  traces: lazyPage(() => import("./traces-view.tsx").then((module) => module.TracesView)),
  "service-map": lazyPage(() => import("./service-map-view.tsx").then((module) => module.ServiceMapView)),
  errors: lazyPage(() => import("./errors-view.tsx").then((module) => module.ErrorsView)),
  bottlenecks: lazyPage(() => import("./bottlenecks-view.tsx").then((module) => module.BottlenecksView)),
  logs: lazyPage(() => import("./logs-view.tsx").then((module) => module.LogsView)),
  home: lazyPage(() => import("./home-view.tsx").then((module) => module.HomeView)),
  incidents: lazyPage(() => import("./incidents-view.tsx").then((module) => module.IncidentsView)),
  funnels: lazyPage(() => import("./funnels-view.tsx").then((module) => module.FunnelsView)),
  journeys: lazyPage(() => import("./journeys-view.tsx").then((module) => module.JourneysView)),
  retention: lazyPage(() => import("./retention-view.tsx").then((module) => module.RetentionView)),
  sessions: lazyPage(() => import("./sessions-view.tsx").then((module) => module.SessionsView)),
  activity: lazyPage(() => import("./activity-view.tsx").then((module) => module.ActivityView)),
  engagement: lazyPage(() => import("./engagement-view.tsx").then((module) => module.EngagementView)),
  experience: lazyPage(() => import("./experience-view.tsx").then((module) => module.ExperienceView)),
  cohorts: lazyPage(() => import("./cohorts-view.tsx").then((module) => module.CohortsView)),
  users: lazyPage(() => import("./users-view.tsx").then((module) => module.UsersView)),
  "compare-traces": lazyPage(() => import("./compare-traces-view.tsx").then((module) => module.CompareTracesView)),
  capsule: lazyPage(() => import("./capsule-view.tsx").then((module) => module.CapsuleView)),
  settings: lazyPage(() => import("./settings-view.tsx").then((module) => module.SettingsView)),
  "root-cause": lazyPage(() => import("./root-cause-view.tsx").then((module) => module.RootCauseView)),
  "not-found": lazyPage(() => import("./not-found-view.tsx").then((module) => module.NotFoundView)),
};

const LAZY: Record<Page, LazyPage<never>> = { ...VIEWS, "dashboards-list": DashboardsView, "dashboard-editor": EditorView };
const PARTS = [...Object.values(LAZY), Dialogs as LazyPage<never>];

function pageOf(path: string): LazyPage<never> | null {
  const page = pageAt(path);
  return page && LAZY[page];
}

const HOME: Place = { path: HOME_PATH, title: "Home", group: "" };

const OTHERS: Place[] = [
  { path: DASHBOARDS_PATH, title: "All dashboards", group: "Dashboards" },
  { path: METRICS_PATH, title: "Metrics", group: "Explore" },
  { path: TRACES_PATH, title: "Traces", group: "Explore" },
  { path: MAP_PATH, title: "Service map", group: "Explore" },
  { path: LOGS_PATH, title: "Logs", group: "Explore" },
  { path: INCIDENTS_PATH, title: "Incidents", group: "Investigate" },
  { path: ERRORS_PATH, title: "Errors", group: "Investigate" },
  { path: BOTTLENECKS_PATH, title: "Bottlenecks", group: "Investigate" },
  { path: CAUSES_PATH, title: "Root cause", group: "Investigate" },
  { path: USERS_PATH, title: "Users", group: "Product" },
  { path: SESSIONS_PATH, title: "Sessions", group: "Product" },
  { path: ACTIVITY_PATH, title: "Activity", group: "Product" },
  { path: ENGAGEMENT_PATH, title: "Engagement", group: "Product" },
  { path: EXPERIENCE_PATH, title: "Experience", group: "Product" },
  { path: FUNNELS_PATH, title: "Funnels", group: "Product" },
  { path: RETENTION_PATH, title: "Retention", group: "Product" },
  { path: JOURNEYS_PATH, title: "Journeys", group: "Product" },
  { path: COHORTS_PATH, title: "Cohorts", group: "Product" },
  { path: SETTINGS_PATH, title: "Keys and settings", group: "Administer" },
];

function placesOf(dashboards: readonly Dashboard[], query: string): Place[] {
  return [HOME, ...dashboards.map(({ path, title }) => ({ path, title, query, group: "Dashboards" })), ...OTHERS];
}
