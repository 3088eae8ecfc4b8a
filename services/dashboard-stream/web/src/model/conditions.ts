/** Which values of dimensions a question is of, in the forms that names, stored answers and links have. Pure. */
import type { LabelFilter, PanelQuestion } from "./contracts.ts";
import { withSpaces } from "./names.ts";

/** One condition: the dimension has one of the values, or none of them. */
export interface Condition {
  label: string;
  values: string[];
  excluded: boolean;
}

type Conditioned = Pick<PanelQuestion, "only" | "without">;

/** What the question is of, as it is written. */
export function conditionsOf({ only, without }: Conditioned): Condition[] {
  const read = (given: PanelQuestion["only"], excluded: boolean): Condition[] => Object.entries(given ?? {}).map(([label, values]) => ({ label, values: [values].flat(), excluded }));
  return [...read(only, false), ...read(without, true)];
}

/** The same as fields of a question; the last of several conditions on one dimension counts. */
export function asFields(conditions: readonly Condition[]): Conditioned {
  const of = (excluded: boolean) => {
    const said = conditions.filter((one) => one.excluded === excluded).map(({ label, values }) => [label, values.length === 1 ? (values[0] as string) : values] as const);
    return said.length ? Object.fromEntries(said) : undefined;
  };
  return { only: of(false), without: of(true) };
}

/** `[service=agni,wisdom;status!=500]`, as names of readings have it. */
export function conditionsText(question: Conditioned): string {
  const parts = saidBy(question)
    .map(({ label, values, excluded }) => ({ label, excluded, values: [...new Set(values)].sort(byCodePoint) }))
    .sort((a, b) => byCodePoint(a.label, b.label))
    .map(({ label, values, excluded }) => `${label}${excluded ? "!=" : "="}${values.map((value) => encodeURIComponent(value.replace(/\p{Surrogate}/gu, "\ufffd"))).join(",")}`);
  return parts.length ? `[${parts.join(";")}]` : "";
}

/** Without those that name no value yet. */
function saidBy(question: Conditioned): Condition[] {
  return conditionsOf(question).filter(({ values }) => values.length > 0);
}

/** The service sorts by characters, where JavaScript sorts by halves of them. */
function byCodePoint(one: string, other: string): number {
  const [a, b] = [[...one], [...other]];
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = ((a[i] as string).codePointAt(0) as number) - ((b[i] as string).codePointAt(0) as number);
    if (difference) return difference;
  }
  return a.length - b.length;
}

/** The same as stored numbers are asked. */
export function filtersOf(question: Conditioned): LabelFilter[] {
  return saidBy(question).flatMap(({ label, values, excluded }): LabelFilter[] => {
    if (excluded) return values.map((value) => ({ label, op: "!=", value }));
    return values.length === 1 ? [{ label, op: "=", value: values[0] as string }] : [{ label, op: "in", values }];
  });
}

/** Dimensions of which the question is of a single value: as links to other pages take them. */
export function singleValues(question: Conditioned): Record<string, string> {
  const single = conditionsOf(question).filter(({ values, excluded }) => values.length === 1 && !excluded);
  return Object.fromEntries(single.map(({ label, values }) => [label, values[0] as string]));
}

/** Further values are counted. */
const MOST_NAMED = 3;

/** `web`, `web or agni`, `not web`: what a line is called that has no name of its own. */
export function conditionsInWords(question: Conditioned): string {
  return conditionsOf(question)
    .map(({ values, excluded }) => {
      const named = values.slice(0, MOST_NAMED).map(withSpaces).join(" or ");
      const more = values.length - MOST_NAMED;
      return `${excluded ? "not " : ""}${named}${more > 0 ? ` or ${more} more` : ""}`;
    })
    .join(", ");
}
