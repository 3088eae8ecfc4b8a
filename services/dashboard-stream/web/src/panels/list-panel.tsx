/** A panel that is neither a number of now nor goes over time, by its kind. */
import type { Sections } from "../model/panels.ts";
import { Bars } from "./bars.tsx";
import { ForecastScores, InsightList } from "./insight-lists.tsx";
import { lazyPanel } from "./lazy-panel.tsx";
import type { Drawn } from "./panel-data.ts";
import { Shares } from "./shares.tsx";
import { Table } from "./table.tsx";
import { TextPanel } from "./text-panel.tsx";

// What is asked of stored spans and numbers comes after the page anyway.
const ErrorPanel = lazyPanel(() => import("./error-list.tsx").then((module) => module.ErrorPanel));
const FunnelPanel = lazyPanel(() => import("./funnel-panel.tsx").then((module) => module.FunnelPanel));
const Histogram = lazyPanel(() => import("./histogram.tsx").then((module) => module.Histogram));
const JourneysPanel = lazyPanel(() => import("./journeys-panel.tsx").then((module) => module.JourneysPanel));
const QueryPanel = lazyPanel(() => import("./query-panel.tsx").then((module) => module.QueryPanel));
const RetentionPanel = lazyPanel(() => import("./retention-panel.tsx").then((module) => module.RetentionPanel));
const ServiceMapPanel = lazyPanel(() => import("./service-map-panel.tsx").then((module) => module.ServiceMapPanel));
const TraceList = lazyPanel(() => import("./trace-list.tsx").then((module) => module.TraceList));

export function ListPanel({ panel, drawn }: { panel: Sections["lists"][number]; drawn: Drawn }) {
  const { board, units, now } = drawn;
  switch (panel.kind) {
    case "table":
      return <Table table={panel} board={board} units={units} now={now} />;
    case "bar":
      return <Bars panel={panel} board={board} units={units} />;
    case "pie":
      return <Shares panel={panel} board={board} units={units} />;
    case "text":
      return <TextPanel panel={panel} />;
    case "events":
    case "incidents":
      return <InsightList panel={panel} drawn={drawn} />;
    case "forecast_scores":
      return <ForecastScores panel={panel} drawn={drawn} />;
    case "traces":
      return <TraceList panel={panel} seen={drawn} />;
    case "errors":
      return <ErrorPanel panel={panel} seen={drawn} />;
    case "service_map":
      return <ServiceMapPanel panel={panel} seen={drawn} />;
    case "histogram":
      return <Histogram panel={panel} seen={drawn} />;
    case "funnel":
      return <FunnelPanel panel={panel} drawn={drawn} />;
    case "retention":
      return <RetentionPanel panel={panel} seen={drawn} />;
    case "journeys":
      return <JourneysPanel panel={panel} seen={drawn} />;
    case "query":
      return <QueryPanel panel={panel} drawn={drawn} />;
  }
}
