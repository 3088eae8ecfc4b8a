/** Variables in expressions while they are edited: the service puts the values in where it shows a dashboard. Pure. */
import type { Panel } from "../model/panels.ts";
import { nameOfQuery } from "../model/stored-query.ts";
import { fromTheStart, type Variable } from "../model/variables.ts";

const NAME = String.raw`(?:[A-Za-z_]\w*(?:\.\w+)*|"(?:[^"\\]|\\.)*")`;
const USE = new RegExp(String.raw`(${NAME})\s*(==?|!=)\s*\$([a-z][a-z0-9_]*)|(${NAME})\s+in\s*\(([^()]*\$[^()]*)\)|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`, "g");
const TEXT_OR_VARIABLE = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\$([a-z][a-z0-9_]{0,31})(?![A-Za-z0-9_])/gs;

/** `text` with a quoted text of the same length for each variable: what is wrong with it stands at the same place. */
export function masked(text: string): string {
  return text.replaceAll(TEXT_OR_VARIABLE, (found: string, name: string | undefined) => (name === undefined ? found : `"${"v".repeat(found.length - 2)}"`));
}

/** `text` with what variables are from the start: as a preview draws it. */
export function expressionFromTheStart(text: string, variables: readonly Variable[]): string {
  const valuesOf = (name: string) => (variables.find((one) => one.name === name)?.default ?? []).map((value) => JSON.stringify(value));
  return text.replaceAll(USE, (found: string, name?: string, sign?: string, variable?: string, listed?: string, list?: string) => {
    if (name && variable) return comparison(name, sign === "!=", valuesOf(variable));
    if (!listed || list === undefined) return found;
    const each = list.split(",").map((one) => one.trim());
    const values = each.map((one) => (one.startsWith("$") ? valuesOf(one.slice(1)) : [one]));
    return comparison(listed, false, values.every((one) => one.length) ? values.flat() : []);
  });
}

function comparison(name: string, excluded: boolean, values: readonly string[]): string {
  if (!values.length) return `${name} prefix ""`;
  if (values.length === 1) return `${name} ${excluded ? "!=" : "="} ${values[0]}`;
  return `${excluded ? "not " : ""}${name} in (${values.join(", ")})`;
}

/** A panel that is asked of what is stored, with what variables are from the start. */
export function askedFromTheStart(panel: Panel, variables: readonly Variable[]): Panel {
  if (!variables.length) return panel;
  const search = (text: string | undefined) => searchFromTheStart(text ?? "", variables);
  switch (panel.kind) {
    case "query":
      return { ...panel, queries: panel.queries.map((query) => ({ ...fromTheStart(query, variables), name: nameOfQuery(query), expression: expressionFromTheStart(query.expression ?? "", variables), where: expressionFromTheStart(query.where ?? "", variables) })) };
    case "histogram":
      return { ...panel, values: fromTheStart(panel.values, variables) };
    case "traces":
      return { ...panel, service: search(panel.service), operation: search(panel.operation), text: search(panel.text), attributes: (panel.attributes ?? []).map(search).filter(Boolean) };
    case "errors":
      return { ...panel, service: search(panel.service), text: search(panel.text) };
    case "service_map":
      return { ...panel, service: search(panel.service) };
    default:
      return panel;
  }
}

function searchFromTheStart(text: string, variables: readonly Variable[]): string {
  let open = false;
  const said = text.replaceAll(/\$(?:\$|([a-z][a-z0-9_]{0,31}))/g, (found: string, name?: string) => {
    if (name === undefined) return "$";
    const variable = variables.find((one) => one.name === name);
    if (variable && !variable.default?.length) open = true;
    return variable?.default?.[0] ?? found;
  });
  return open ? "" : said;
}
