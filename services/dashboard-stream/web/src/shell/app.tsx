/** Which page the address names, and what stands above all of them: the ways to the others. */
import type { Dashboard } from "../model/catalogue.ts";
import { DashboardView } from "./dashboard-view.tsx";
import type { Place } from "./header.tsx";
import { MAP_PATH, TRACES_PATH } from "../model/explorer.ts";
import { METRICS_PATH } from "../model/metric-choice.ts";
import { useCatalogue, useRoute, useTheme } from "./hooks.ts";
import { MetricsView } from "./metrics-view.tsx";
import { ServiceMapView } from "./service-map-view.tsx";
import { TracesView } from "./traces-view.tsx";

export function App() {
  const [catalogue, readAgain] = useCatalogue();
  const [route, go] = useRoute();
  const theme = useTheme();
  const places = placesOf(catalogue ?? []);
  if (route.page === "metrics") return <MetricsView query={route.query} places={places} go={go} theme={theme} />;
  if (route.page === "traces") return <TracesView query={route.query} places={places} go={go} theme={theme} />;
  if (route.page === "service-map") return <ServiceMapView query={route.query} places={places} go={go} theme={theme} />;
  return <DashboardView name={route.name} catalogue={catalogue} readAgain={readAgain} places={places} go={go} theme={theme} />;
}

const OTHERS: Place[] = [
  { path: METRICS_PATH, title: "Metrics" },
  { path: TRACES_PATH, title: "Traces" },
  { path: MAP_PATH, title: "Service map" },
];

function placesOf(dashboards: readonly Dashboard[]): Place[] {
  return [...dashboards.map(({ path, title }) => ({ path, title })), ...OTHERS];
}
