/** Which anomalies panels of insights show, and the same as rows. Pure. */
import { sentence } from "./anomaly.ts";
import type { InsightEvent } from "./board.ts";
import type { Units } from "./catalogue.ts";
import type { EventsPanel, IncidentsPanel } from "./contracts.ts";
import type { DataTable } from "./data-table.ts";
import { finding } from "./finding.ts";
import { type Incident, incidents, type Severity, together } from "./incidents.ts";
import type { InsightPanel } from "./panels.ts";

const GRAVITY: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 };

/** The insights that the panel is about; `shown` are the metrics of the dashboard. */
export function concerned(panel: InsightPanel, insights: Iterable<InsightEvent>, shown: Iterable<string>): InsightEvent[] {
  if (panel.all_metrics) return [...insights];
  const metrics = new Set(panel.metrics?.length ? panel.metrics : shown);
  return [...insights].filter((one) => "metric" in one && metrics.has(one.metric));
}

/** The anomalies of the panel, by the incidents that they are of: each is its own in a panel of events, whose newest comes first. */
export function groupsOf(panel: EventsPanel | IncidentsPanel, insights: Iterable<InsightEvent>, shown: Iterable<string>, now: number): Incident[][] {
  const all = incidents(concerned(panel, insights, shown), now);
  if (panel.kind === "incidents") return together(all);
  const least = GRAVITY[panel.severity ?? "info"];
  return all
    .filter((one) => GRAVITY[one.gravest] >= least)
    .sort((a, b) => b.since - a.since)
    .map((one) => [one]);
}

export function rowsOf(groups: readonly (readonly Incident[])[], units: Units): DataTable {
  const text = (title: string) => ({ title, unit: "", kind: "text" as const });
  const instant = (title: string) => ({ title, unit: "", kind: "time" as const });
  return {
    columns: [instant("Since"), instant("Until"), text("State"), text("Severity"), text("What"), text("Found")],
    rows: groups.flat().map((one) => [
      one.since,
      one.open ? null : one.until,
      one.open ? "open" : one.stays ? "not recovered" : "resolved",
      one.gravest,
      sentence(one.insight, !one.open && !one.stays),
      finding(one.insight, units, one.stays),
    ]),
  };
}
