/** What can be done to a dashboard while it is edited, each with its way back. Pure. */
import type { DashboardDocument } from "../model/contracts.ts";
import { type CopiedPanel, freeId, withPanel } from "../model/copied-panel.ts";
import { isArranged, type Width } from "../model/layout.ts";
import type { Panel } from "../model/panels.ts";
import { byKind, moved, resized, withLayout } from "./arrange.ts";

export type Edit =
  | { do: "describe"; change: Partial<Pick<DashboardDocument, "name" | "title" | "description" | "variables">> }
  | { do: "add"; panel: Panel }
  | { do: "paste"; copied: CopiedPanel }
  | { do: "change"; at: number; panel: Panel }
  | { do: "duplicate"; at: number }
  | { do: "remove"; at: number }
  | { do: "move"; from: number; to: number; x?: number }
  | { do: "resize"; at: number; width: Width; size: { columns?: number; rows?: number } }
  | { do: "arrange by kind" }
  | { do: "replace"; document: DashboardDocument };

/** `now` is what is seen; `saved` what is stored, `null` where nothing is. `step`: edits of one field in a row are one step back. */
export interface Editing {
  now: DashboardDocument;
  saved: DashboardDocument | null;
  past: readonly DashboardDocument[];
  future: readonly DashboardDocument[];
  step: string;
}

export type Action = (Edit & { step?: string }) | { do: "undo" } | { do: "redo" } | { do: "saved"; document: DashboardDocument };

/** Further back nobody goes. */
export const MOST_STEPS = 200;

export function begin(document: DashboardDocument, saved: DashboardDocument | null): Editing {
  return { now: document, saved, past: [], future: [], step: "" };
}

export function reduce(editing: Editing, action: Action): Editing {
  const { now, past, future } = editing;
  if (action.do === "undo") {
    const before = past.at(-1);
    return before ? { ...editing, now: before, past: past.slice(0, -1), future: [now, ...future], step: "" } : editing;
  }
  if (action.do === "redo") {
    const [after, ...rest] = future;
    return after ? { ...editing, now: after, past: [...past, now], future: rest, step: "" } : editing;
  }
  if (action.do === "saved") return { ...editing, saved: action.document, step: "" };
  const changed = edited(now, action);
  if (changed === now) return editing;
  const step = action.step ?? "";
  const same = step !== "" && step === editing.step;
  return { ...editing, now: changed, past: same ? past : [...past, now].slice(-MOST_STEPS), future: [], step };
}

/** `dashboard` after one edit; the same object where the edit is of a panel that is not there. */
export function edited(dashboard: DashboardDocument, edit: Edit): DashboardDocument {
  const panels = dashboard.panels ?? [];
  switch (edit.do) {
    case "describe":
      return { ...dashboard, ...edit.change };
    case "replace":
      return edit.document;
    case "add":
      return { ...dashboard, panels: [...panels, edit.panel] };
    case "paste":
      return withPanel(dashboard, edit.copied).document;
    case "change":
      return panels[edit.at] ? { ...dashboard, panels: panels.map((one, i) => (i === edit.at ? edit.panel : one)) } : dashboard;
    case "duplicate": {
      const panel = panels[edit.at];
      if (!panel) return dashboard;
      // Beside it, not in its column.
      const copy = withLayout({ ...structuredClone(panel), id: freeId(panels, panel.id ?? panel.kind) }, { x: undefined });
      return { ...dashboard, panels: [...panels.slice(0, edit.at + 1), copy, ...panels.slice(edit.at + 1)] };
    }
    case "remove":
      return panels[edit.at] ? { ...dashboard, panels: panels.filter((_, i) => i !== edit.at) } : dashboard;
    case "move": {
      const to = Math.max(0, Math.min(panels.length - 1, edit.to));
      const stays = to === edit.from && (panels[edit.from]?.layout?.x ?? undefined) === edit.x;
      return panels[edit.from] && !stays ? { ...dashboard, panels: moved(panels, edit.from, to, edit.x) } : dashboard;
    }
    case "resize":
      return panels[edit.at] ? { ...dashboard, panels: resized(panels, edit.at, edit.width, edit.size) } : dashboard;
    case "arrange by kind":
      return isArranged(panels) ? { ...dashboard, panels: byKind(panels) } : dashboard;
  }
}

/** Whether something is not stored. */
export function isDirty({ now, saved }: Editing): boolean {
  return saved === null || !same(now, saved);
}

/** Whether somebody changed something that is not stored: what was only opened, or made from something else, is no work. */
export function isEdited(editing: Editing): boolean {
  return isDirty(editing) && (editing.saved !== null || !same(editing.now, editing.past[0] ?? editing.now));
}

/** Whether two documents say the same: what a field says from the start needs no saying. */
export function same(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value ?? null);
  const said = Object.entries(value).filter(([field, one]) => !isDefault(field, one));
  return `{${said.sort(([a], [b]) => (a < b ? -1 : 1)).map(([field, one]) => `${field}:${canonical(one)}`).join()}}`;
}

/** What a document says where it does not say it. */
const DEFAULTS: Readonly<Record<string, unknown>> = { schema: 1, resolution: "1s", over_s: 10, total: true, sparkline: true, direction: "up", tone: "warn", style: "line", top: 10 };

function isDefault(field: string, value: unknown): boolean {
  return value === null || value === undefined || value === "" || value === DEFAULTS[field] || (typeof value === "object" && !Object.keys(value).length);
}

/** `Orders of the shop` → `orders-of-the-shop`: a name as an address has it. */
export function nameOf(title: string): string {
  return title.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 64);
}

export interface Difference {
  what: string;
  yours: string;
  theirs: string;
}

/** Where two versions differ: their texts, each panel by its id, and the order. */
export function differences(yours: DashboardDocument, theirs: DashboardDocument): Difference[] {
  const result: Difference[] = [];
  for (const [field, what] of [["title", "Title"], ["description", "Description"]] as const) {
    if ((yours[field] ?? "") !== (theirs[field] ?? "")) result.push({ what, yours: yours[field] || NONE, theirs: theirs[field] || NONE });
  }
  const [mine, other] = [byId(yours), byId(theirs)];
  for (const id of new Set([...mine.keys(), ...other.keys()])) {
    const [one, two] = [mine.get(id), other.get(id)];
    if (same(one, two)) continue;
    result.push({ what: `Panel ${one?.title ?? two?.title ?? id}`, yours: panelInText(one), theirs: panelInText(two) });
  }
  const common = [...mine.keys()].filter((id) => other.has(id));
  const order = [...other.keys()].filter((id) => mine.has(id));
  if (common.join("\n") !== order.join("\n")) result.push({ what: "Order", yours: titles(mine), theirs: titles(other) });
  if (!same(yours.variables ?? [], theirs.variables ?? [])) result.push({ what: "Variables", yours: variablesInText(yours), theirs: variablesInText(theirs) });
  if (!same(yours.feed ?? [], theirs.feed ?? [])) result.push({ what: "Feed", yours: JSON.stringify(yours.feed ?? []), theirs: JSON.stringify(theirs.feed ?? []) });
  return result;
}

const NONE = "–";

function variablesInText({ variables }: DashboardDocument): string {
  return (variables ?? []).map(({ name, metric, dimension, default: values, several }) => `${name}: ${dimension} of ${metric}${several ? ", several" : ""}${values?.length ? ` (${values.join(", ")})` : ""}`).join("\n") || NONE;
}

function byId(dashboard: DashboardDocument): Map<string, Panel> {
  return new Map((dashboard.panels ?? []).map((panel, i) => [panel.id ?? String(i), panel]));
}

function titles(panels: ReadonlyMap<string, Panel>): string {
  return [...panels.values()].map((panel) => panel.title).join(", ");
}

function panelInText(panel: Panel | undefined): string {
  if (!panel) return "none";
  const { id: _, ...said } = panel;
  return JSON.stringify(said, (_, value: unknown) => (value === null ? undefined : value), 1).replace(/[{}"[\],]/g, "").replace(/\n\s*\n/g, "\n").replace(/^\s+/gm, "").trim();
}
