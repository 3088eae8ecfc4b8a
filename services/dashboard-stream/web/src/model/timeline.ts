/** What one person did, as their page shows it: by day, in sessions, with what is between them. Pure. */
import { linkTo } from "./explorer-choice.ts";
import type { PersonAnswer, PersonDay, TimelineAnswer, TimelineEntry, TimelineSession } from "./contracts.ts";
import { USERS_PATH } from "./product.ts";

const DAY_MS = 86_400_000;
/** Days of the strip. */
const MOST_DAYS = 60;
/** Values of an event that are shown beside it, and characters of each. */
export const FEW_VALUES = 6;
const SHORT = 60;

export type Kind = TimelineEntry["kind"];

export const KINDS = [
  ["event", "Events"],
  ["request", "Requests"],
  ["error", "Errors"],
] as const satisfies readonly (readonly [Kind, string])[];

export interface UserChoice {
  user: string;
  /** One kind alone; empty: all. */
  kind: Kind | "";
  /** Events of one type alone. */
  type: string;
  /** Up to the end of this UTC day, as YYYY-MM-DD; empty: up to now. */
  day: string;
}

export function userChoiceOf(query: string): UserChoice {
  const given = new URLSearchParams(query);
  const day = given.get("day") ?? "";
  const kind = KINDS.find(([one]) => one === given.get("kind"))?.[0] ?? "";
  return { user: given.get("user") ?? "", kind, type: given.get("type") ?? "", day: Number.isNaN(startOf(day)) ? "" : day };
}

/** The page of one user, whatever their id is. */
export function userLink(user: string, more: Partial<Omit<UserChoice, "user">> = {}): string {
  return linkTo(USERS_PATH, { user, ...more });
}

/** The conditions as the gateway takes them; one type of events leaves everything else out. */
export function timelineConditions({ user, kind, type, day }: UserChoice): URLSearchParams {
  const asked = new URLSearchParams({ user_id: user });
  const only = type ? "event" : kind;
  if (only) asked.set("kinds", only);
  if (type) asked.set("event_types", type);
  if (day) asked.set("to", String(startOf(day) + DAY_MS));
  return asked;
}

function startOf(day: string): number {
  return /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
}

export interface Bar extends Required<PersonDay> {
  at: number;
  /** Of the day with the most. */
  share: number;
}

/** Each day from the first to today, the last ones of many: also those on which nothing was done. */
export function barsOf({ days = [] }: Pick<PersonAnswer, "days">, now: number): Bar[] {
  const first = days[0];
  if (!first) return [];
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  const last = Math.max(today, startOf(days.at(-1)?.day ?? ""));
  const from = Math.max(startOf(first.day), last - (MOST_DAYS - 1) * DAY_MS);
  const known = new Map(days.map((one) => [one.day, one]));
  const most = Math.max(1, ...days.map(sizeOf));
  return Array.from({ length: Math.round((last - from) / DAY_MS) + 1 }, (_, place) => {
    const at = from + place * DAY_MS;
    const day = new Date(at).toISOString().slice(0, 10);
    const { events = 0, requests = 0, failed_requests = 0 } = known.get(day) ?? {};
    return { day, at, events, requests, failed_requests, share: sizeOf({ events, requests }) / most };
  });
}

function sizeOf({ events = 0, requests = 0 }: Pick<PersonDay, "events" | "requests">): number {
  return events + requests;
}

/** Entries one after the other that lie in one session, or in none. */
export interface Group {
  session: TimelineSession | null;
  entries: TimelineEntry[];
  /** How long before it nothing was done, as far as that is known: ms from the end of the group below. */
  idle_ms: number | null;
}

export function groupsOf(pages: readonly TimelineAnswer[]): Group[] {
  const sessions = new Map(pages.flatMap(({ sessions: of = [] }) => of).map((one) => [one.start_ms, one]));
  const groups: Group[] = [];
  for (const entry of pages.flatMap(({ entries }) => entries)) {
    const session = sessions.get(entry.session ?? -1) ?? null;
    const last = groups.at(-1);
    if (last && last.session === session) last.entries.push(entry);
    else groups.push({ session, entries: [entry], idle_ms: null });
  }
  groups.forEach((group, place) => {
    const below = groups[place + 1];
    if (!below) return;
    const begins = Math.min(group.session?.start_ms ?? Number.POSITIVE_INFINITY, group.entries.at(-1)?.time_ms ?? 0);
    const ended = Math.max(below.session?.end_ms ?? 0, below.entries[0]?.time_ms ?? 0);
    group.idle_ms = Math.max(0, begins - ended);
  });
  return groups;
}

export interface Said {
  name: string;
  value: string;
  /** It is longer than what is said of it. */
  cut: boolean;
}

/** The data of an event in words, the first values first. */
export function dataInWords(data: Record<string, unknown> = {}): Said[] {
  return Object.entries(data).map(([name, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return { name, value: text.length > SHORT ? `${text.slice(0, SHORT)}…` : text, cut: text.length > SHORT };
  });
}
