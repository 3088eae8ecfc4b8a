/** Variables in expressions while they are edited: the service puts the values in where it shows a dashboard. Pure. */
import type { Panel } from "../model/panels.ts";
import { anyOf } from "../model/searches.ts";
import { nameOfQuery } from "../model/stored-query.ts";
import { fromTheStart, type Variable } from "../model/variables.ts";

const NAME = String.raw`(?:[A-Za-z_]\w*(?:\.\w+)*|"(?:[^"\\]|\\.)*")`;
const USE = new RegExp(String.raw`(${NAME})\s*(==?|!=)\s*\$([a-z][a-z0-9_]*)|(${NAME})\s+in\s*\(([^()]*\$[^()]*)\)|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`, "g");
const TEXT_OR_VARIABLE = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\$([a-z][a-z0-9_]{0,31})(?![A-Za-z0-9_])/gs;

const IN_TEXT = /\$(?:\$|([a-z][a-z0-9_]{0,31}))/g;

/** `text` with a quoted text of the same length for each variable: what is wrong with it stands at the same place. */
export function masked(text: string): string {
  return text.replaceAll(TEXT_OR_VARIABLE, (found: string, name: string | undefined) => (name === undefined ? found : `"${"v".repeat(found.length - 2)}"`));
}

/** A comparison for whose variable nothing is chosen, while it is not known whether it is negated: its name, and the other values that it has. */
const OPEN = "\\0([^\\0]*)\\0([^\\0]*)\\0";
const NEGATED = new RegExp(`\\bnot\\s*${OPEN}`, "g");
const ALONE = new RegExp(`\\(\\s*${OPEN}\\s*\\)`, "g");

/** `text` with what variables are from the start: as a preview draws it. Where nothing is, all values are meant, and none is excluded. */
export function expressionFromTheStart(text: string, variables: readonly Variable[]): string {
  const valuesOf = (name: string) => (variables.find((one) => one.name === name)?.default ?? []).map((value) => JSON.stringify(value));
  let made = text.replaceAll(USE, (found: string, name?: string, sign?: string, variable?: string, listed?: string, list?: string) => {
    if (name && variable) return valuesOf(variable).length ? comparison(name, sign === "!=", valuesOf(variable)) : `\0${name}\0\0`;
    if (!listed || list === undefined) return found;
    const each = list.split(",").map((one) => one.trim());
    const values = each.map((one) => (one.startsWith("$") ? valuesOf(one.slice(1)) : [one]));
    return values.every((one) => one.length) ? comparison(listed, false, values.flat()) : `\0${listed}\0${values.flat().join(", ")}\0`;
  });
  for (let before = ""; before !== made; ) {
    before = made;
    made = made
      .replaceAll(NEGATED, (_, name: string, values: string) => (values ? `not ${name} in (${values})` : `\0${name}\0\0`))
      .replaceAll(ALONE, (_, name: string, values: string) => `\0${name}\0${values}\0`);
  }
  return made.replaceAll(new RegExp(OPEN, "g"), '$1 prefix ""');
}

function comparison(name: string, excluded: boolean, values: readonly string[]): string {
  if (values.length === 1) return `${name} ${excluded ? "!=" : "="} ${values[0]}`;
  return `${excluded ? "not " : ""}${name} in (${values.join(", ")})`;
}

/** A panel that is asked of what is stored, with what variables are from the start. */
export function askedFromTheStart(panel: Panel, variables: readonly Variable[]): Panel {
  if (!variables.length) return panel;
  const search = (one?: string, several?: readonly string[]) => searchFromTheStart(anyOf(one, several), variables);
  switch (panel.kind) {
    case "query":
      return { ...panel, queries: panel.queries.map((query) => ({ ...fromTheStart(query, variables), name: nameOfQuery(query), expression: expressionFromTheStart(query.expression ?? "", variables), where: expressionFromTheStart(query.where ?? "", variables) })) };
    case "histogram":
      return { ...panel, values: fromTheStart(panel.values, variables) };
    case "traces":
      return {
        ...panel,
        ...{ service: "", services: search(panel.service, panel.services), operation: "", operations: search(panel.operation, panel.operations), text: "", texts: search(panel.text, panel.texts) },
        attributes: (panel.attributes ?? []).flatMap((one) => attributesOf(search(one))),
      };
    case "errors":
      return { ...panel, service: "", services: search(panel.service, panel.services), text: "", texts: search(panel.text, panel.texts) };
    case "service_map":
      return { ...panel, service: "", services: search(panel.service, panel.services) };
    default:
      return panel;
  }
}

/** Of several values any is meant, of excluded ones none. */
function attributesOf(texts: readonly string[]): string[] {
  if (texts.length < 2) return [...texts];
  return /^[^[=!~<>][^=!~<>]*!=/.test(texts[0] as string) ? texts.map((one) => JSON.stringify([one])) : [JSON.stringify(texts)];
}

/** Each of `texts` with each value of its variables; none where one of these has none. */
function searchFromTheStart(texts: readonly string[], variables: readonly Variable[]): string[] {
  const found = texts.map((text) => {
    const named = [...text.matchAll(IN_TEXT)].flatMap(([, name]) => variables.find((one) => one.name === name) ?? []);
    return [...new Set(named)].reduce<{ text: string; values: Record<string, string> }[]>(
      (all, { name, default: values = [] }) => all.flatMap((one) => values.map((value) => ({ ...one, values: { ...one.values, [name]: value } }))),
      [{ text, values: {} }],
    );
  });
  if (!found.every((each) => each.length)) return [];
  return [...new Set(found.flat().map((one) => one.text.replaceAll(IN_TEXT, (said: string, name?: string) => (name === undefined ? "$" : (one.values[name] ?? said)))))];
}
