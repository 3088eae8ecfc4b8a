/** Which readings stand where on the dashboard `user_analytics`. */
import type { Layout } from "../model/layout.ts";
import { SATISFACTION, TOPICS } from "./parts.ts";

export const USER_ANALYTICS: Layout = {
  tiles: [
    { title: "Active users", value: "active_users.uniques", spark: "active_users.uniques", more: [["active_users.uniques.1h", "this hour"]] },
    { title: "Sessions", value: "sessions.uniques", spark: "sessions.uniques", more: [["sessions.uniques.1h", "this hour"]] },
    { title: "Events", value: "events.rate", spark: "events.rate", more: [["events.count.1h", "this hour"]] },
    { title: "Requests", value: "requests.rate", spark: "requests.rate" },
    SATISFACTION,
  ],
  charts: [
    {
      kind: "lines",
      title: "Events by type",
      of: "events",
      lines: [{ reading: "events.rate", name: "all" }, { reading: "events.rate", by: "event_type" }],
    },
    {
      kind: "lines",
      title: "Users and sessions",
      of: "distinct, per minute",
      lines: [{ reading: "active_users.uniques", name: "users" }, { reading: "sessions.uniques", name: "sessions" }],
    },
    { kind: "lines", title: "Requests", of: "requests", lines: [{ reading: "requests.rate", name: "all" }] },
    { kind: "lines", title: "Satisfaction", of: "of 5, per minute", lines: [{ reading: "satisfaction.avg", name: "mean" }], range: [0, 5] },
  ],
  tables: [
    TOPICS,
    {
      title: "Event types",
      label: "event_type",
      head: "Type",
      columns: [
        { title: "24 h", reading: "events.count.24h" },
        { title: "this hour", reading: "events.count.1h" },
        { title: "now", reading: "events.rate" },
      ],
    },
  ],
};
