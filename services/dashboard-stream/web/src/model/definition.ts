/** A metric's definition while somebody writes it: the form's fields, the document that is stored, and what is wrong where. Pure. */
import { type EventSource, type Kind, type Metric, type Part, kindInWords } from "./metrics.ts";

/** A definition as the gateway takes and gives it; what is left out is as from the start. */
export type Definition = Record<string, unknown>;

/** What is wrong with one field; `character` counts from 0, in code points. */
export interface Fault {
  field: string;
  error: string;
  character?: number;
}

/** What storing would say: nothing is wrong where there are no `faults`. */
export interface Checked {
  faults: Fault[];
  token?: string;
  made_of?: Part[];
  /** An expression that asks for what the metric would have been. */
  preview?: string;
}

/** Somebody else changed it: `theirs` (`null`: nothing) is there at `revision`, and `yours` was not stored. */
export interface Conflict {
  error: string;
  revision: number;
  yours: Definition | null;
  theirs: Definition | null;
}

/** What came of storing: it is there now, somebody was faster, or it cannot be so. */
export type Stored = { metric: Metric } | { conflict: Conflict } | { faults: Fault[] };

/** For whom the page looks, and whether it may change something. */
export interface Session {
  tenant: string;
  has_key: boolean;
  may_edit: boolean;
  may_administer?: boolean;
  /** Of the key that the browser holds. */
  role?: string | null;
  key_id?: string | null;
  /** When that key expires, in epoch ms. */
  expires?: number | null;
  /** What became of a key that opens nothing any more. */
  key_problem?: string;
  /** Why it may not. */
  why: string;
  /** The address of Jaeger's pages, where it is known. */
  jaeger_ui_url?: string | null;
}

/** What can be drawn of a definition that is not stored: an expression, and how it is read. */
export interface Preview {
  expression: string;
  /** Whether it is about events, which perhaps nothing counts yet. */
  events: boolean;
  unit: string;
  title: string;
  levels: { target?: number; warn?: number; bad?: number };
}

/** What a page can have done about definitions. Each rejects with a reason where nobody answers. */
export interface Editing {
  check: (definition: Definition, signal: AbortSignal) => Promise<Checked>;
  store: (name: string, definition: Definition, revision: number) => Promise<Stored>;
  forget: (name: string, revision: number) => Promise<{ conflict: Conflict } | null>;
}

/** A form: every field as text, as somebody types it. `base`: the metric that is changed. */
export interface Draft {
  base: Metric | null;
  /** The revision that storing replaces; 0: the tenant has none. */
  revision: number;
  name: string;
  kind: Kind;
  unit: string;
  description: string;
  enabled: boolean;
  watched: boolean;
  forecast: boolean;
  max_series: string;
  retention_days: string;
  expression: string;
  direction: "up" | "down";
  target: string;
  warn: string;
  bad: string;
  owner: string;
  event: string;
  where: string;
  /** What a metric out of events takes of each: of a unique metric what is counted, else a number. */
  property: string;
  /** `country = geo.country, plan` */
  dimensions: string;
}

const NEW: Omit<Draft, "kind" | "unit"> = {
  base: null,
  revision: 0,
  name: "",
  description: "",
  enabled: true,
  watched: false,
  forecast: false,
  max_series: "1000",
  retention_days: "",
  expression: "",
  direction: "up",
  target: "",
  warn: "",
  bad: "",
  owner: "",
  event: "",
  where: "",
  property: "",
  dimensions: "",
};

export function newDraft(what: "kpi" | "events"): Draft {
  return what === "kpi" ? { ...NEW, kind: "derived", unit: "1" } : { ...NEW, kind: "counter", unit: "1" };
}

/** The form of a metric that is there. */
export function draftOf(metric: Metric): Draft {
  const source = metric.source;
  const number = (value: number | undefined) => (value === undefined ? "" : String(value));
  return {
    base: metric,
    revision: metric.revision,
    name: metric.name,
    kind: metric.kind,
    unit: metric.unit,
    description: metric.description,
    enabled: metric.enabled,
    watched: metric.watched,
    forecast: metric.forecast,
    max_series: String(metric.max_series),
    retention_days: number(metric.retention_days),
    expression: metric.expression ?? "",
    direction: metric.direction ?? "up",
    target: number(metric.target),
    warn: number(metric.warn),
    bad: number(metric.bad),
    owner: metric.owner ?? "",
    event: source?.event ?? "",
    where: source?.where ?? "",
    property: source?.unique ?? source?.value ?? "",
    dimensions: metric.dimensions.map((label) => (source?.dimensions?.[label] ? `${label} = ${source.dimensions[label]}` : label)).join(", "),
  };
}

/** The form of a definition that somebody else stored, of the same metric. */
export function draftOfDefinition(theirs: Definition, base: Metric, revision: number): Draft {
  const said = Object.entries({ ...STANDARD, ...theirs }).filter(([, value]) => value !== null);
  const plain = Object.fromEntries(said) as unknown as Metric;
  const metric: Metric = { ...base, source: undefined, retention_days: undefined, target: undefined, warn: undefined, bad: undefined, ...plain, revision };
  return draftOf(metric);
}

/** Whether a metric's kind, unit and dimensions are Drishti's to say. */
export function isFed(metric: Metric | null): boolean {
  return metric !== null && (metric.origin === "built_in" || metric.origin.startsWith("pack:"));
}

/** Whether a draft is of a metric that is drawn from events. */
export function isOfEvents(draft: Draft): boolean {
  return draft.kind !== "derived" && (draft.base === null || draft.base.source !== undefined);
}

/** The document that stores `draft`, and what of it cannot even be said. */
export function documentOf(draft: Draft): { document: Definition; faults: Fault[] } {
  const faults: Fault[] = [];
  const number = (field: "target" | "warn" | "bad"): number | null => {
    const text = draft[field].trim();
    if (!text) return null;
    const value = Number(text);
    if (!Number.isFinite(value)) faults.push({ field, error: "must be a number, such as 90 or 0.5" });
    return Number.isFinite(value) ? value : null;
  };
  const base = draft.base;
  const common: Definition = {
    name: draft.name,
    kind: draft.kind,
    unit: draft.unit,
    description: draft.description,
    enabled: draft.enabled,
    watched: draft.watched,
    forecast: draft.forecast,
  };
  if (base?.origin === "otlp") common.origin = "otlp";
  if (base?.watch_policy) common.watch_policy = base.watch_policy;
  if (draft.kind === "derived") {
    const limits = { target: number("target"), warn: number("warn"), bad: number("bad") };
    return { document: { ...common, expression: draft.expression, direction: draft.direction, owner: draft.owner, ...limits }, faults };
  }
  const series = Number(draft.max_series.trim());
  if (Number.isInteger(series)) common.max_series = series;
  else faults.push({ field: "max_series", error: "must be a whole number" });
  const days = draft.retention_days.trim();
  if (days && !Number.isInteger(Number(days))) faults.push({ field: "retention_days", error: "must be a whole number of days" });
  common.retention_days = days && Number.isInteger(Number(days)) ? Number(days) : null;
  if (base?.shares?.length) common.shares = base.shares;
  if (!isOfEvents(draft)) {
    return { document: { ...common, dimensions: base?.dimensions ?? [], published: base?.published ?? [[]] }, faults };
  }
  const { labels, properties } = dimensionsOf(draft.dimensions);
  const same = base !== null && labels.join("\n") === base.dimensions.join("\n");
  const source: EventSource = { event: draft.event.trim() };
  if (draft.where.trim()) source.where = draft.where;
  if (draft.property.trim()) source[draft.kind === "unique" ? "unique" : "value"] = draft.property.trim();
  if (Object.keys(properties).length) source.dimensions = properties;
  const published = same ? base.published : [[], ...labels.map((label) => [label])];
  return { document: { ...common, dimensions: labels, published, source }, faults };
}

/** `country = geo.country, plan` as labels, and the properties of those that are taken from one of another name. */
export function dimensionsOf(text: string): { labels: string[]; properties: Record<string, string> } {
  const labels: string[] = [];
  const properties: Record<string, string> = {};
  for (const part of text.split(/[,\n]/)) {
    const [label = "", ...rest] = part.split("=");
    const name = label.trim();
    const property = rest.join("=").trim();
    if (!name && !property) continue;
    labels.push(name);
    if (property && property !== name) properties[name] = property;
  }
  return { labels, properties };
}

/** The field of the form at which a fault of the document is said; empty: of none. */
export function placeOf(field: string): string {
  const places: Record<string, string> = {
    "source.event": "event",
    "source.where": "where",
    "source.value": "property",
    "source.unique": "property",
    "source.dimensions": "dimensions",
    published: "dimensions",
  };
  const place = places[field] ?? field;
  return PLACES.has(place) ? place : "";
}

const PLACES: ReadonlySet<string> = new Set(Object.keys({ ...NEW, kind: 0, unit: 0 }));

/** `faults` by the field of the form; the first of each. Those of no field are under `""`. */
export function byPlace(faults: readonly Fault[]): Map<string, Fault> {
  const result = new Map<string, Fault>();
  for (const fault of faults) {
    const place = placeOf(fault.field);
    if (!result.has(place)) result.set(place, place ? fault : { ...fault, error: [fault.field, fault.error].filter(Boolean).join(": ") });
  }
  return result;
}

/**
 * `text` in three: before the character that is wrong, what is wrong (the word that begins there, else the character), and what
 * comes behind. Characters are code points, as the gateway counts them; one behind the end is the end.
 */
export function around(text: string, character: number): [string, string, string] {
  const all = Array.from(text);
  const begin = Math.min(Math.max(0, character), all.length);
  const rest = all.slice(begin).join("");
  const wrong = /^[\p{L}\p{N}_.]+/u.exec(rest)?.[0] ?? Array.from(rest)[0] ?? "";
  return [all.slice(0, begin).join(""), wrong, rest.slice(wrong.length)];
}

/** What a definition is where it does not say. */
const STANDARD: Definition = {
  unit: "1",
  dimensions: [],
  description: "",
  published: [[]],
  shares: [],
  enabled: true,
  watched: false,
  forecast: false,
  max_series: 1000,
  retention_days: null,
  source: null,
  expression: "",
  direction: "up",
  target: null,
  warn: null,
  bad: null,
  owner: "",
  version: 1,
};

const TITLES: Readonly<Record<string, string>> = {
  name: "Name", kind: "Kind", unit: "Unit", description: "Description", enabled: "On", watched: "Watched", forecast: "Forecast",
  max_series: "Most series", retention_days: "Kept for days", expression: "Expression", direction: "Better", target: "Target", warn: "Warning from", bad: "Bad from",
  owner: "Owner", dimensions: "Dimensions", published: "Live by", shares: "Shares", source: "Events",
};

export interface Difference {
  field: string;
  title: string;
  yours: string;
  theirs: string;
}

/** Where two definitions differ, as text for people, in the order of a definition. */
export function differences(yours: Definition, theirs: Definition): Difference[] {
  const mine = { ...STANDARD, ...yours };
  const other = { ...STANDARD, ...theirs };
  return Object.keys(TITLES)
    .filter((field) => canonical(mine[field]) !== canonical(other[field]))
    .map((field) => ({ field, title: TITLES[field] as string, yours: inText(field, mine[field]), theirs: inText(field, other[field]) }));
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value).filter(([, one]) => one !== "" && one !== null && canonical(one) !== "{}");
    return `{${entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => `${key}:${canonical(one)}`).join()}}`;
  }
  return JSON.stringify(value ?? null);
}

function inText(field: string, value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (field === "kind") return kindInWords(String(value));
  if (field === "published") return (value as string[][]).map((labels) => labels.join(" + ") || "the total").join(", ");
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value.join(", ") || "none";
  if (typeof value === "object") return sourceInWords(value as EventSource);
  return String(value);
}

function sourceInWords(source: EventSource): string {
  if (Array.isArray(source)) return source.map((one: { name?: string }) => one.name ?? "").join(", ") || "none";
  const taken = source.unique ?? source.value;
  const labels = Object.entries(source.dimensions ?? {}).map(([label, property]) => `${label} = ${property}`);
  return [`${source.event}${taken ? `.${taken}` : ""}`, source.where && `where ${source.where}`, ...labels].filter(Boolean).join(", ");
}

/** Whether the form says something else than what is stored. */
export function isChanged(draft: Draft, before: Draft): boolean {
  return (Object.keys(draft) as (keyof Draft)[]).some((field) => field !== "base" && field !== "revision" && draft[field] !== before[field]);
}

/** How a KPI stands: by its thresholds and the direction that is good. */
export function standing(metric: Pick<Metric, "direction" | "target" | "warn" | "bad">, value: number | null): "" | "good" | "warn" | "bad" {
  if (value === null) return "";
  const beyond = (limit: number | undefined) => limit !== undefined && (metric.direction === "down" ? value >= limit : value <= limit);
  if (beyond(metric.bad)) return "bad";
  if (beyond(metric.warn)) return "warn";
  const reached = metric.target !== undefined && (metric.direction === "down" ? value <= metric.target : value >= metric.target);
  return reached ? "good" : "";
}
