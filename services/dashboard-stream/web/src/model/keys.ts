/** The API keys of a tenant as its administrators see them: what each may, and what stops when it ends. Pure. */

export type Role = "producer" | "viewer" | "editor" | "admin";

export interface Key {
  id: string;
  name: string;
  tenant: string;
  role: string;
  state: "active" | "expired" | "revoked";
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  made_by: string | null;
  revoked_by: string | null;
  own: boolean;
}

export interface Keys {
  keys: Key[];
  most: number;
  noticed_since: string;
}

export interface MadeKey {
  key: Key;
  text: string;
}

export interface NewKey {
  name: string;
  role: Role;
  expires?: string;
}

export const ROLES: readonly { name: Role; title: string; may: string }[] = [
  { name: "producer", title: "Producer", may: "sends events, spans, metrics and logs; reads nothing" },
  { name: "viewer", title: "Viewer", may: "reads dashboards, traces and metrics; changes nothing" },
  { name: "editor", title: "Editor", may: "sends and reads, and changes dashboards, metrics and notes" },
  { name: "admin", title: "Admin", may: "does all of that, and makes and revokes keys" },
];

export const EXPIRIES: readonly { value: string; title: string }[] = [
  { value: "", title: "Never" },
  { value: "1d", title: "In 1 day" },
  { value: "7d", title: "In 7 days" },
  { value: "30d", title: "In 30 days" },
  { value: "90d", title: "In 90 days" },
  { value: "365d", title: "In 365 days" },
];

/** Active keys first, then those that ended; the newest first among each. */
export function ordered(keys: readonly Key[]): Key[] {
  const rank = (key: Key) => (key.state === "active" ? 0 : 1);
  return [...keys].sort((a, b) => rank(a) - rank(b) || b.created_at.localeCompare(a.created_at));
}

/** What stops working when `key` is revoked. */
export function stops(key: Key): string {
  const own = key.own ? " It is the key of this browser: this page will ask for another one." : "";
  const used = key.last_used_at ? "" : " This gateway has not seen it used since it started.";
  switch (key.role) {
    case "producer":
      return `Whatever sends data with it is refused at once, and what it would have sent is lost unless the sender keeps it.${used}${own}`;
    case "viewer":
      return `Pages and programs that read with it are refused at once, and its live connections are closed within seconds.${used}${own}`;
    case "editor":
      return `Pages and programs that read, change or send with it are refused at once, and its live connections are closed within seconds.${used}${own}`;
    default:
      return `Whoever administers, reads, changes or sends with it is refused at once, and its live connections are closed within seconds.${used}${own}`;
  }
}

/** How an OpenTelemetry SDK sends to `origin`; the key is in the variable DRISHTI_API_KEY. */
export function otelEnvironment(origin: string): string {
  return [
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${origin}`,
    "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
    'export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20$DRISHTI_API_KEY"',
  ].join("\n");
}

/** How a program asks `origin` for a number. */
export function askWith(origin: string): string {
  return `curl -H "Authorization: Bearer $DRISHTI_API_KEY" \\\n  '${origin}/api/analytics/query?metric=requests&from=now-1h'`;
}
