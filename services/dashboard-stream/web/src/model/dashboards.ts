/** Dashboards as documents: the list of them, what is in the navigation, and where they are edited. Pure. */
import type { Dashboard } from "./catalogue.ts";
import type { DashboardDocument } from "./contracts.ts";
import type { Fault } from "./definition.ts";

export const CAPSULE_PATH = "/api/dashboard/capsule";
export const DASHBOARDS_PATH = "/api/dashboard/dashboards-list";
/** Keys and settings. */
export const SETTINGS_PATH = "/api/dashboard/settings";
export const EDITOR_PATH = "/api/dashboard/dashboard-editor";

/** A dashboard with its document as it is stored, also with what the tenant has no metrics for. */
export interface WholeDashboard extends Dashboard {
  document: DashboardDocument;
}

/** What storing a document would say: nothing is wrong where there are no `faults`. */
export interface CheckedDocument {
  faults: Fault[];
  document?: DashboardDocument;
  yaml?: string;
}

/** Somebody else changed it: `theirs` (`null`: nothing) is there at `revision`, and nothing was stored. */
export interface DocumentConflict {
  error: string;
  revision: number;
  theirs: DashboardDocument | null;
}

export type StoredDocument = { stored: WholeDashboard } | { conflict: DocumentConflict } | { faults: Fault[] };

/** Further dashboards than these are on the page of all of them. */
const MOST_OWN = 3;
const MOST_PINNED = 5;

/**
 * Those that the navigation names: the ready ones, the tenant's own that are pinned, else the few that were changed last, and
 * the one that is shown.
 */
export function inNavigation(dashboards: readonly Dashboard[], pinned: readonly string[], shown: string): Dashboard[] {
  const own = dashboards.filter((one) => one.own);
  const kept = own.filter((one) => pinned.includes(one.name)).slice(0, MOST_PINNED);
  const recent = [...own].sort((a, b) => (b.changed_at ?? 0) - (a.changed_at ?? 0)).slice(0, MOST_OWN);
  const named = kept.length ? kept : recent;
  return dashboards.filter((one) => !one.own || named.includes(one) || one.name === shown);
}

/** Those with every word of `search` in their name, title, description or panels' titles. */
export function searched(dashboards: readonly Dashboard[], search: string): Dashboard[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return dashboards.filter((one) => {
    const text = [one.name, one.title, one.description, ...one.panels.map((panel) => panel.title)].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** What the editor opens: a dashboard, a copy of one, a first one for a metric or for a value of a dimension, what was imported, or nothing yet. */
export type Opened =
  | { from: "dashboard" | "copy" | "metric"; name: string }
  | { from: "value"; label: string; value: string }
  | { from: "import" | "nothing" };

export function openedOf(query: string): Opened {
  const given = new URLSearchParams(query);
  for (const from of ["dashboard", "copy", "metric"] as const) if (given.get(from)) return { from, name: given.get(from) ?? "" };
  const [, label, value] = /^([^:]+):(.+)$/s.exec(given.get("of") ?? "") ?? [];
  if (label && value) return { from: "value", label, value };
  return { from: given.has("import") ? "import" : "nothing" };
}

/** The address at which the editor opens something: `{ copy: "system_overview" }`, `{ of: "service:web" }`. */
export function editorAddress(opened: Partial<Record<"dashboard" | "copy" | "metric" | "of" | "import", string>> = {}): string {
  const query = new URLSearchParams(opened).toString();
  return EDITOR_PATH + (query && `?${query}`);
}
