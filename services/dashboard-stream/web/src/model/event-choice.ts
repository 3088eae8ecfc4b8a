/** Which events a question about users means: their types, and conditions on their properties. Pure. */
import type { EventSelection, PropertyCondition } from "./contracts.ts";
import { type Body, isBody } from "./product.ts";

export const MOST_CONDITIONS = 16;

export const OPERATORS = [
  ["=", "is"],
  ["!=", "is not"],
  ["in", "is one of"],
  ["prefix", "begins with"],
  ["exists", "is there"],
  ["<", "<"],
  ["<=", "≤"],
  [">", ">"],
  [">=", "≥"],
] as const satisfies readonly (readonly [NonNullable<PropertyCondition["op"]>, string])[];

/** What an address or a document says, as conditions; what is none is left out. */
export function conditionsOf(where: unknown): PropertyCondition[] {
  return bodies(where).map(conditionOf);
}

export function conditionOf(condition: Body): PropertyCondition {
  const op = OPERATORS.find(([one]) => one === condition["op"])?.[0] ?? "=";
  const property = text(condition["property"]);
  if (op === "in") return { property, op, values: Array.isArray(condition["values"]) ? condition["values"].map(text) : [] };
  return op === "exists" ? { property, op } : { property, op, value: text(condition["value"]) };
}

export function selectionOf(selection: unknown): EventSelection {
  const { event_types, where, ...rest } = isBody(selection) ? selection : {};
  return { ...rest, ...filled({ event_types: texts(event_types), where: conditionsOf(where) }) };
}

/** Whether each condition names a property. */
export function areComplete(where: readonly PropertyCondition[] = []): boolean {
  return where.every((one) => one.property);
}

/** `feedback or comment, rating ≥ 4`; empty where any event is meant. */
export function selectionInWords({ event_types = [], where = [] }: EventSelection): string {
  return [event_types.join(" or "), ...where.map(conditionInWords)].filter(Boolean).join(", ");
}

export function conditionInWords({ property, op = "=", value = "", values = [] }: PropertyCondition): string {
  const word = OPERATORS.find(([one]) => one === op)?.[1] ?? op;
  return [property, word, op === "in" ? values.join(" or ") : value].filter(Boolean).join(" ");
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string" && one !== "") : [];
}

export function bodies(value: unknown): Body[] {
  return Array.isArray(value) ? value.filter(isBody) : [];
}

/** One of `values`, else nothing. */
export function oneOf<T extends string>(values: readonly T[], value: unknown): T | undefined {
  return values.find((one) => one === value);
}

/** A whole number that is more than nothing, else nothing. */
export function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined;
}

/** Without fields that say nothing: empty texts and lists, `false`, and what is missing. */
export function filled<T extends object>(fields: T): Partial<T> {
  const says = (value: unknown) => !(value === undefined || value === null || value === "" || value === false || (Array.isArray(value) && value.length === 0));
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => says(value))) as Partial<T>;
}
