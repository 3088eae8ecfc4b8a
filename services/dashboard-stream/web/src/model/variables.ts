/** The variables of a dashboard: what an address chooses for them, and how links and previews say it. Pure. */
import type { DashboardDocument, PanelQuestion } from "./contracts.ts";
import { asFields, conditionsOf } from "./conditions.ts";

export type Variable = NonNullable<DashboardDocument["variables"]>[number];

/** A variable as the service describes it: with the values that it has now; none: all. */
export interface ChosenVariable extends Variable {
  values: string[];
  /** A field of the metric by which its values can be asked; empty where there is no such metric or dimension. */
  counted_by: string;
}

const PARAMETER = "var-";
const MOST_CHARACTERS = 256;
const MOST_VALUES = 50;

/** What `query` chooses, in one form for equal choices, with its `?`; of `variables` alone, where they are known. Empty: nothing. */
export function choiceOf(query: string, variables?: readonly Variable[]): string {
  const chosen: [string, string][] = [];
  for (const [parameter, value] of new URLSearchParams(query)) {
    if (!parameter.startsWith(PARAMETER)) continue;
    const known = variables?.find(({ name }) => PARAMETER + name === parameter);
    if ((variables && !known) || value.length > MOST_CHARACTERS) continue;
    const before = chosen.filter(([name]) => name === parameter);
    if (before.some(([, one]) => one === value) || (known && before.length >= (known.several ? MOST_VALUES : 1))) continue;
    chosen.push([parameter, value]);
  }
  const text = new URLSearchParams(chosen.sort(([a, one], [b, other]) => (a === b ? (one < other ? -1 : 1) : a < b ? -1 : 1))).toString();
  return text && `?${text}`;
}

/** `query` with `values` chosen for the variable; none of them: all, whatever the document says. */
export function withChoice(query: string, variable: Variable, values: readonly string[]): string {
  const said = new URLSearchParams(query);
  said.delete(PARAMETER + variable.name);
  const fromTheStart = [...values].sort().join("\n") === [...(variable.default ?? [])].sort().join("\n");
  if (!fromTheStart) for (const value of values.length ? values : [""]) said.append(PARAMETER + variable.name, value);
  const text = said.toString().replaceAll("%3A", ":");
  return text && `?${text}`;
}

/** What a variable is called. */
export function variableTitle({ title, name }: Variable): string {
  return title || name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
}

/** The question with what variables are from the start: as a preview draws it. */
export function fromTheStart<Q extends Pick<PanelQuestion, "only" | "without">>(question: Q, variables: readonly Variable[]): Q {
  if (!question.only && !question.without) return question;
  const conditions = conditionsOf(question).flatMap(({ label, values, excluded }) => {
    const meant = values.map((value) => (value.startsWith("$$") ? [value.slice(1)] : value.startsWith("$") ? (variables.find(({ name }) => name === value.slice(1))?.default ?? []) : [value]));
    return meant.every((one) => one.length) || (excluded && meant.flat().length) ? [{ label, values: meant.flat(), excluded }] : [];
  });
  return { ...question, ...asFields(conditions) };
}
