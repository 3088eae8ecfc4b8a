/** Searches of panels for stored spans, as the gateway takes them: of several texts any may be met. Pure. */
import type { ErrorsPanel, TracesPanel } from "./contracts.ts";

const TOP = 10;
/** Columns of the small charts of errors. */
const STEPS = 24;

/** The texts of a condition that is given once or several times; none: anything meets it. */
export function anyOf(one: string | undefined, several: readonly string[] | undefined): string[] {
  return [one ?? "", ...(several ?? [])].filter(Boolean);
}

type Searched = Pick<TracesPanel, "service" | "services" | "operation" | "operations" | "text" | "texts" | "attributes">;

/** Whether a condition has several texts: the pages of traces, errors and the map have one of each. */
export function hasSeveral(panel: Searched): boolean {
  const conditions = [anyOf(panel.service, panel.services), anyOf(panel.operation, panel.operations), anyOf(panel.text, panel.texts)];
  return conditions.some((texts) => texts.length > 1) || (panel.attributes ?? []).some(isList);
}

/** Traces that a panel asks for. */
export function traceSearch(panel: TracesPanel, from: number, to: number): URLSearchParams {
  const asked = new URLSearchParams({ from: String(from), to: String(to), limit: String(panel.top ?? TOP) });
  const say = (name: string, value: string | undefined) => value && asked.set(name, value);
  sayAny(asked, "service", anyOf(panel.service, panel.services));
  sayAny(asked, "operation", anyOf(panel.operation, panel.operations));
  say("status", panel.failed ? "error" : "");
  say("root", panel.root ? "true" : "");
  say("min_duration_ms", panel.min_duration_ms ? String(panel.min_duration_ms) : "");
  sayAny(asked, "text", anyOf(panel.text, panel.texts));
  say("order", panel.order === "slowest" ? "slowest" : "");
  for (const one of panel.attributes ?? []) asked.append(isList(one) ? "any_attribute" : "attribute", one);
  return asked;
}

/** Errors that a panel asks for. */
export function errorSearch(panel: ErrorsPanel, from: number, to: number): URLSearchParams {
  const asked = new URLSearchParams({ from: String(from), to: String(to) });
  const status = panel.status ?? "open";
  sayAny(asked, "service", anyOf(panel.service, panel.services));
  if (status !== "any") asked.set("status", status);
  sayAny(asked, "text", anyOf(panel.text, panel.texts));
  if (panel.order) asked.set("order", panel.order);
  return asked;
}

/** The same as a list with small charts. */
export function errorRows(panel: ErrorsPanel, from: number, to: number): URLSearchParams {
  const asked = errorSearch(panel, from, to);
  asked.set("steps", String(STEPS));
  asked.set("limit", String(panel.top ?? TOP));
  return asked;
}

/** `service=a`, or `services=a&services=b`. */
export function sayAny(asked: URLSearchParams, name: string, texts: readonly string[]): void {
  if (texts.length === 1) asked.set(name, texts[0] as string);
  else for (const text of texts) asked.append(`${name}s`, text);
}

/** Whether a condition on an attribute is a JSON list of conditions, of which any may be met. */
function isList(text: string): boolean {
  if (!text.startsWith("[")) return false;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.length > 0 && list.every((one) => typeof one === "string");
  } catch {
    return false;
  }
}
