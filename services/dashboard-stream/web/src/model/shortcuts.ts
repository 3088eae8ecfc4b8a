/** The keys that lead somewhere, without Ctrl and the like. Pure. */
import { DASHBOARDS_PATH } from "./dashboards.ts";
import { BOTTLENECKS_PATH, CAUSES_PATH, ERRORS_PATH, HOME_PATH, INCIDENTS_PATH, LOGS_PATH } from "./explorer-choice.ts";
import { MAP_PATH, TRACES_PATH } from "./explorer.ts";
import { METRICS_PATH } from "./metric-choice.ts";
import { ACTIVITY_PATH, COHORTS_PATH, ENGAGEMENT_PATH, EXPERIENCE_PATH, FUNNELS_PATH, JOURNEYS_PATH, RETENTION_PATH, SESSIONS_PATH, USERS_PATH } from "./product.ts";

/** After `g`: the page that the second key leads to. */
export const GO_TO: readonly { key: string; title: string; path: string }[] = [
  { key: "h", title: "Home", path: HOME_PATH },
  { key: "d", title: "All dashboards", path: DASHBOARDS_PATH },
  { key: "m", title: "Metrics", path: METRICS_PATH },
  { key: "t", title: "Traces", path: TRACES_PATH },
  { key: "s", title: "Service map", path: MAP_PATH },
  { key: "l", title: "Logs", path: LOGS_PATH },
  { key: "i", title: "Incidents", path: INCIDENTS_PATH },
  { key: "e", title: "Errors", path: ERRORS_PATH },
  { key: "b", title: "Bottlenecks", path: BOTTLENECKS_PATH },
  { key: "r", title: "Root cause", path: CAUSES_PATH },
  { key: "u", title: "Users", path: USERS_PATH },
  { key: "n", title: "Sessions", path: SESSIONS_PATH },
  { key: "a", title: "Activity", path: ACTIVITY_PATH },
  { key: "q", title: "Engagement", path: ENGAGEMENT_PATH },
  { key: "x", title: "Experience", path: EXPERIENCE_PATH },
  { key: "f", title: "Funnels", path: FUNNELS_PATH },
  { key: "o", title: "Retention", path: RETENTION_PATH },
  { key: "j", title: "Journeys", path: JOURNEYS_PATH },
  { key: "c", title: "Cohorts", path: COHORTS_PATH },
];

/** What else a key does. */
export const KEYS: readonly { keys: string[]; does: string }[] = [
  { keys: ["Ctrl", "K"], does: "find pages, dashboards, ranges of time, metrics, services, notes, traces and actions (on a Mac: ⌘ K)" },
  { keys: ["?"], does: "show these shortcuts" },
  { keys: ["/"], does: "search on the page Metrics" },
  { keys: ["v"], does: "show the panel that is pointed at, or has the focus, alone; v or Esc leads back" },
  { keys: ["k"], does: "kiosk: numbers without navigation, for a screen on a wall; k again leaves it" },
  { keys: ["p"], does: "hold dashboards that rotate in the kiosk, and let them go on; n and b lead to the next one and back" },
  { keys: ["Esc"], does: "close what is open, leave a past range" },
];

/** The second key of a pair comes within this time. */
export const PAIR_MS = 1_500;
