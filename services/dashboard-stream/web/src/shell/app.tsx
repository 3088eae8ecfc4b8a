/** Which page the address names, and what stands above all of them: the ways to the others. */
import type { FunctionComponent } from "preact";
import { useRef } from "preact/hooks";
import type { Dashboard } from "../model/catalogue.ts";
import { DASHBOARDS_PATH, inNavigation } from "../model/dashboards.ts";
import { DashboardView } from "./dashboard-view.tsx";
import { DashboardsView } from "./dashboards-view.tsx";
import { EditorView } from "./editor-view.tsx";
import { BottlenecksView } from "./bottlenecks-view.tsx";
import { ErrorsView } from "./errors-view.tsx";
import type { ExplorerProps } from "./explorer-frame.tsx";
import type { Place } from "./header.tsx";
import { BOTTLENECKS_PATH, CAUSES_PATH, ERRORS_PATH, LOGS_PATH } from "../model/explorer-choice.ts";
import { MAP_PATH, TRACES_PATH } from "../model/explorer.ts";
import { METRICS_PATH } from "../model/metric-choice.ts";
import { shownOf, timeQueryOf } from "../model/shown-time.ts";
import { type Page, useCatalogue, useRoute, useTheme } from "./hooks.ts";
import { LogsView } from "./logs-view.tsx";
import { MetricsView } from "./metrics-view.tsx";
import { usePinned } from "./pinned.ts";
import { RootCauseView } from "./root-cause-view.tsx";
import { ServiceMapView } from "./service-map-view.tsx";
import { TracesView } from "./traces-view.tsx";

export function App() {
  const [catalogue, readAgain] = useCatalogue();
  const [route, go] = useRoute();
  const theme = useTheme();
  // The way back to a dashboard, and to another one, leads to the same time.
  const time = useRef("");
  if (route.page === "dashboard") time.current = timeQueryOf(shownOf(route.query, Date.now()));
  const [pinned, pin] = usePinned();
  const named = inNavigation(catalogue ?? [], pinned, route.page === "dashboard" ? route.name : "");
  const places = placesOf(named, time.current);
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

const VIEWS: Record<Exclude<Page, "dashboards-list" | "dashboard-editor">, FunctionComponent<ExplorerProps>> = {
  metrics: MetricsView,
  traces: TracesView,
  "service-map": ServiceMapView,
  errors: ErrorsView,
  bottlenecks: BottlenecksView,
  logs: LogsView,
  "root-cause": RootCauseView,
};

const OTHERS: Place[] = [
  { path: DASHBOARDS_PATH, title: "All dashboards", group: "Dashboards" },
  { path: METRICS_PATH, title: "Metrics", group: "Explore" },
  { path: TRACES_PATH, title: "Traces", group: "Explore" },
  { path: MAP_PATH, title: "Service map", group: "Explore" },
  { path: LOGS_PATH, title: "Logs", group: "Explore" },
  { path: ERRORS_PATH, title: "Errors", group: "Investigate" },
  { path: BOTTLENECKS_PATH, title: "Bottlenecks", group: "Investigate" },
  { path: CAUSES_PATH, title: "Root cause", group: "Investigate" },
];

function placesOf(dashboards: readonly Dashboard[], query: string): Place[] {
  return [...dashboards.map(({ path, title }) => ({ path, title, query, group: "Dashboards" })), ...OTHERS];
}
