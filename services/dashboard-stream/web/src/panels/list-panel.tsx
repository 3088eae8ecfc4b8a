/** A panel that is neither a number of now nor goes over time, by its kind. */
import type { Sections } from "../model/panels.ts";
import { Bars } from "./bars.tsx";
import { ErrorPanel } from "./error-list.tsx";
import { Histogram } from "./histogram.tsx";
import { ForecastScores, InsightList } from "./insight-lists.tsx";
import type { Drawn } from "./panel-data.ts";
import { ServiceMapPanel } from "./service-map-panel.tsx";
import { Shares } from "./shares.tsx";
import { Table } from "./table.tsx";
import { TextPanel } from "./text-panel.tsx";
import { TraceList } from "./trace-list.tsx";

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
  }
}
