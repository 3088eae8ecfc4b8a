/** What can stand at a place of an expression or a condition: aggregates, metrics, labels, their values, and words. Pure. */
import type { Metric } from "../model/metrics.ts";

/** What is typed: an expression over terms, or a condition on labels of one metric. */
export type Language = { kind: "expression" } | { kind: "condition"; metric: string };

export interface Option {
  /** What is put in. */
  text: string;
  /** What it is, for who looks or listens. */
  hint: string;
}

/** The characters `from` to `to` are what is completed; `of` is what to look up besides: values of a label. */
export interface Completion {
  from: number;
  to: number;
  typed: string;
  options: Option[];
  of: { metric: string; label: string } | null;
}

interface Token {
  kind: "name" | "text" | "open" | "sign" | "number";
  text: string;
  at: number;
}

const TOKEN = /(?<name>[A-Za-z_][\w.]*(?:@\d*)?|\$[a-z0-9_]*)|(?<number>[0-9.][\w.]*)|(?<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<open>["'](?:[^"'\\]|\\.)*$)|(?<sign><=|>=|!=|==|[^\s])/gsu;
const BARE = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*(?:@[0-9]+)?$/;
const WORDS: ReadonlySet<string> = new Set(["where", "and", "or", "not", "in", "prefix", "exists", "true", "false"]);
const COMPARISONS: ReadonlySet<string> = new Set(["=", "==", "!="]);
const OPERATORS: readonly Option[] = [
  { text: "=", hint: "is" },
  { text: "!=", hint: "is not" },
  { text: "in (", hint: "is one of" },
  { text: "prefix", hint: "begins with" },
  { text: "exists", hint: "is not empty" },
];
const MOST = 60;

/** As it is written in an expression: in quotes where it must be. */
export function nameText(name: string): string {
  return BARE.test(name) && !WORDS.has(name) ? name : JSON.stringify(name);
}

/** What can be put in where the caret is, `null` where nothing is known. `variables` are those of the dashboard, by name. */
export function completionAt(text: string, caret: number, language: Language, metrics: readonly Metric[], variables: readonly string[]): Completion | null {
  const all = tokensOf(text.slice(0, caret));
  const last = all.at(-1);
  const typing = last && last.at + last.text.length === caret && (last.kind === "name" || last.kind === "open") ? last : null;
  const before = typing ? all.slice(0, -1) : all;
  const place = placeOf(before, language);
  if (!place || (typing?.kind === "open" && place.kind !== "value")) return null;
  const from = typing ? typing.at : caret;
  // What is written behind the caret of a name belongs to it.
  const rest = typing?.kind === "name" ? (/^[\w.]*/.exec(text.slice(caret))?.[0].length ?? 0) : 0;
  const typed = typing ? (typing.kind === "open" ? typing.text.slice(1) : typing.text) : "";
  const options = optionsAt(place, metrics, variables);
  return {
    from,
    to: caret + rest,
    typed,
    options: matching(options, typed),
    of: place.kind === "value" ? { metric: place.metric, label: place.label } : null,
  };
}

/** The options that have what is typed in them, those that begin with it first. */
export function matching(options: readonly Option[], typed: string): Option[] {
  const wanted = typed.toLowerCase();
  const rank = ({ text }: Option) => {
    const plain = text.replace(/^["']/, "").toLowerCase();
    return plain.startsWith(wanted) ? 0 : plain.includes(wanted) ? 1 : 2;
  };
  const found = options.filter((one) => rank(one) < 2);
  return found.sort((a, b) => rank(a) - rank(b)).slice(0, MOST);
}

type Place = { kind: "aggregate" } | { kind: "metric"; aggregate: string } | { kind: "where" } | { kind: "label"; metric: string } | { kind: "operator"; label: string } | { kind: "value"; metric: string; label: string } | { kind: "joined" };

function optionsAt(place: Place, metrics: readonly Metric[], variables: readonly string[]): Option[] {
  switch (place.kind) {
    case "aggregate": {
      const fields = new Map<string, number>();
      for (const metric of metrics) for (const field of Object.keys(metric.fields)) fields.set(field, (fields.get(field) ?? 0) + 1);
      return [...fields].map(([field, count]) => ({ text: `${field}(`, hint: `aggregate of ${count} ${count === 1 ? "metric" : "metrics"}` }));
    }
    case "metric": {
      const has = (metric: Metric) => place.aggregate in metric.fields || (metric.kind === "distribution" && /^p\d/.test(place.aggregate));
      const known = metrics.filter(has);
      return (known.length ? known : metrics).map((metric) => ({ text: nameText(metric.name), hint: metric.description || metric.unit }));
    }
    case "where":
      return [{ text: "where", hint: "a condition on labels" }, { text: ")", hint: "ends the term" }];
    case "label":
      return [...(metricOf(metrics, place.metric)?.dimensions ?? []).map((label) => ({ text: nameText(label), hint: "label" })), { text: "not", hint: "" }];
    case "operator":
      return [...OPERATORS];
    case "value":
      return variables.map((name) => ({ text: `$${name}`, hint: "what is chosen" }));
    case "joined":
      return [{ text: "and", hint: "" }, { text: "or", hint: "" }];
  }
}

/** What is expected behind the tokens. */
function placeOf(tokens: readonly Token[], language: Language): Place | null {
  let metric = language.kind === "condition" ? language.metric : "";
  let state: Place = language.kind === "condition" ? { kind: "label", metric } : { kind: "aggregate" };
  let aggregate = "";
  let list = false;
  let opened = 0;
  for (const { kind, text } of tokens) {
    if (kind === "open") return null;
    if (state.kind === "aggregate") {
      if (kind === "name") aggregate = text;
      else if (text === "(" && aggregate) state = { kind: "metric", aggregate };
      else aggregate = "";
    } else if (state.kind === "metric") {
      if (kind !== "name" && kind !== "text") return null;
      metric = kind === "text" ? plainOf(text) : text;
      state = { kind: "where" };
    } else if (state.kind === "where") {
      if (text === "where") state = { kind: "label", metric };
      else if (text === ")") [state, aggregate] = [{ kind: "aggregate" }, ""];
      else return null;
    } else if (state.kind === "label") {
      if (text === "(") opened += 1;
      else if (text !== "not" && (kind === "name" || kind === "text")) state = { kind: "operator", label: plainOf(text) };
    } else if (state.kind === "operator") {
      const label: string = state.label;
      if (COMPARISONS.has(text) || text === "prefix") [state, list] = [{ kind: "value", metric, label }, false];
      else if (text === "in") [state, list] = [{ kind: "value", metric, label }, true];
      else if (text === "exists") state = { kind: "joined" };
      else return null;
    } else if (state.kind === "value") {
      if (list && (text === "(" || text === "," || kind !== "sign")) continue;
      if (list && text !== ")") return null;
      [state, list] = [{ kind: "joined" }, false];
    } else {
      if (text === "and" || text === "or") state = { kind: "label", metric };
      else if (text === ")" && opened) opened -= 1;
      else if (text === ")" && language.kind === "expression") [state, aggregate] = [{ kind: "aggregate" }, ""];
      else return null;
    }
  }
  // Behind a name that is an aggregate, or a term that ended, comes no other one.
  const last = tokens.at(-1);
  if (state.kind === "aggregate" && last && (last.kind !== "sign" || last.text === ")")) return null;
  return state;
}

function plainOf(text: string): string {
  return /^["']/.test(text) ? text.slice(1, -1).replaceAll(/\\(.)/gs, "$1") : text;
}

function tokensOf(text: string): Token[] {
  return [...text.matchAll(TOKEN)].map((match) => {
    const [kind] = Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined) ?? ["sign"];
    return { kind: kind as Token["kind"], text: match[0], at: match.index };
  });
}

/** The metric of that name or token. */
export function metricOf(metrics: readonly Metric[], name: string): Metric | null {
  return metrics.find((one) => one.token === name || one.name === name) ?? null;
}

/** The metrics that an expression names, as far as they are known. */
export function metricsIn(expression: string, metrics: readonly Metric[]): Metric[] {
  const tokens = tokensOf(expression);
  const named = tokens.flatMap(({ kind, text }, i) => (kind === "name" && tokens[i + 1]?.text === "(" && !WORDS.has(text) ? [plainOf(tokens[i + 2]?.text ?? "")] : []));
  return [...new Set(named)].flatMap((name) => metricOf(metrics, name) ?? []);
}
