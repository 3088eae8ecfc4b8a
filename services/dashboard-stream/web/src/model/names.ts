/** Names of readings, `<metric>.<field>[.<span>]{label=value}`, and what people call them. Pure. */
import { LABELS, RATES, RATIOS } from "./fields.ts";

export interface Name {
  /** Without labels: `requests.rate`, `events.count.24h`. */
  reading: string;
  label: string | null;
  value: string | null;
}

const LABELLED = /^([^{]*)\{([^=]*)=(.*)\}$/s;

/** Dashboards carry totals and series of one label; a name with more labels keeps them together as the value. */
export function parse(name: string): Name {
  const match = LABELLED.exec(name);
  if (!match) return { reading: name, label: null, value: null };
  return { reading: match[1] ?? "", label: match[2] ?? "", value: match[3] ?? "" };
}

export function labelled(reading: string, label: string, value: string): string {
  return `${reading}{${label}=${value}}`;
}

/** The same of any labels, sorted by name: as series are called everywhere. */
export function labelledBy(reading: string, labels: Readonly<Record<string, string>>): string {
  const parts = Object.keys(labels).sort().map((label) => `${label}=${labels[label]}`);
  return parts.length ? `${reading}{${parts.join(",")}}` : reading;
}

const WORDS: Record<string, string> = { llm: "LLM", cpu: "CPU", id: "ID", http: "HTTP" };
const UNIT_WORDS = new Set(["ms", "bytes", "utilization"]);

/** `request_duration_ms`, `p95` → `Request duration p95`: for what no layout has a better name for. */
export function title(metric: string, field: string): string {
  const words = metric.split(/[_-]/);
  if (words.length > 1 && UNIT_WORDS.has(words.at(-1) ?? "")) words.pop();
  const readable = words.map((word) => WORDS[word] ?? word);
  const last = LABELS[field] ?? field;
  const text = [...readable, ...(last ? [last] : [])].join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Of these, the last word of the metric is one: `request rate`. */
const SINGULAR = new Set(["count", ...RATES, ...RATIOS]);

/** The same inside a sentence, as one thing: `requests`, `rate` → `request rate`; `memory_usage_bytes`, `avg` → `memory usage`. */
export function phrase(metric: string, field: string): string {
  const words = metric.split(/[_-]/);
  if (words.length > 1 && UNIT_WORDS.has(words.at(-1) ?? "")) words.pop();
  const readable = words.map((word) => WORDS[word] ?? word);
  if (field === "uniques") return `number of ${readable.join(" ")}`;
  if (SINGULAR.has(field)) readable.push((readable.pop() ?? "").replace(/s$/, ""));
  if (field !== "avg") readable.push(LABELS[field] ?? field);
  return readable.join(" ");
}

/** A longer name of a service is cut where it is shown; the whole is in the tooltip. */
const MOST_CHARACTERS = 40;

/** The value of a label as it is shown: of a service the name it was given, where that is known. */
export function labelText(label: string, value: string, given?: string): string {
  if (label !== "service" || given === undefined) return withSpaces(value);
  const characters = [...given];
  return characters.length > MOST_CHARACTERS ? `${characters.slice(0, MOST_CHARACTERS - 1).join("")}…` : given;
}

/** The tooltip of a service's name: the whole name, and the token that metrics and queries use. */
export function tooltip(token: string | undefined, given: string | undefined): string | undefined {
  return token === undefined || given === undefined ? undefined : `${given} (service ${token})`;
}

/** `text` for Plotly, to which `<` and `&` are the beginning of markup. */
export function verbatim(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** `session_start` → `session start`. Values of labels are the users' own, so nothing else is changed. */
export function withSpaces(value: string): string {
  return /^[a-z0-9_]+$/.test(value) ? value.replaceAll("_", " ") : value;
}
