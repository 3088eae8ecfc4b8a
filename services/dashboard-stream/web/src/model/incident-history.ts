/** Incidents of a range of time, out of what models said within it. Pure. */
import { sentence } from "./anomaly.ts";
import type { InsightEvent, NoteEvent } from "./board.ts";
import { type Dashboard, Units } from "./catalogue.ts";
import { type Incident, incidents, isOpen, together } from "./incidents.ts";
import { isOwn, ofUsers, ownShown, serviceOf } from "./own-services.ts";
import { notes } from "./watching.ts";

/** `severity`: at least that one; `own`: of Drishti's own services, too. Empty texts: no condition. */
export interface IncidentConditions {
  status: string;
  severity: string;
  service: string;
  text: string;
  own: string;
}

const GRAVITY = { info: 0, warning: 1, critical: 2 };

/** Incidents that meet the conditions, as groups that began together; a group is shown whole where one of it meets them. */
export function incidentGroups(insights: readonly InsightEvent[], now: number, { status, severity, service, text, own }: IncidentConditions): Incident[][] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const least = severity === "critical" || severity === "warning" ? GRAVITY[severity] : 0;
  const meets = (one: Incident) => {
    const said = `${sentence(one.insight)} ${Object.values(one.insight.labels ?? {}).join(" ")} ${one.insight.service_name ?? ""}`.toLowerCase();
    return GRAVITY[one.gravest] >= least && (!service || one.insight.labels?.["service"] === service) && words.every((word) => said.includes(word));
  };
  const shown = ownShown(own !== "", service) ? insights : ofUsers(insights);
  const groups = together(incidents(shown, now)).filter((group) => group.some(meets));
  if (status === "open") return groups.filter(isOpen);
  return status === "resolved" ? groups.filter((group) => !isOpen(group)) : groups;
}

/** What is about no single series, the newest first, where it has each word of `text`. */
export function notesOf(insights: readonly InsightEvent[], text: string): NoteEvent[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return notes(insights).filter((one) => words.every((word) => (one.message ?? "").toLowerCase().includes(word)));
}

/** The services that the incidents are about; Drishti's own with `own` alone. */
export function servicesOf(insights: readonly InsightEvent[], own: boolean): string[] {
  const found = insights.map(serviceOf).filter((one): one is string => Boolean(one));
  return [...new Set(found.filter((one) => own || !isOwn(one)))].sort();
}

/** The units of everything that any of the dashboards shows. */
export function unitsOf(dashboards: readonly Dashboard[]): Units {
  const [first] = dashboards;
  if (!first) return new Units({ series: [], values: [] } as unknown as Dashboard);
  return new Units({ ...first, series: dashboards.flatMap((one) => one.series), values: dashboards.flatMap((one) => one.values) });
}
