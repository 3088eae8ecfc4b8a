/** What is marked in charts beside their numbers: notes, deployments and other changes, and which insights were known at an instant. Pure. */
import type { InsightEvent } from "./board.ts";
import { capital, dayAndTime, time } from "./format.ts";
import { type Bounds, instantOf, iso } from "./shown-time.ts";

export interface NoteContent {
  at: number;
  until?: number;
  text: string;
  tags?: string[];
  kind?: "note" | "deployment";
  service?: string;
  version?: string;
}

/** A note as the service keeps it. */
export interface Note extends NoteContent {
  id: string;
  revision: number;
}

/** An insight as it was published at `published_at`, and said again until `last_at`. */
export type InsightVersion = InsightEvent & { published_at: number; last_at: number };

/** Something that is marked in all charts. `note` is the id of the note that it is. */
export interface Annotation {
  at: number;
  until: number | null;
  kind: "note" | "deployment";
  text: string[];
  note: string | null;
}

/** Of a long note, in a chart. */
const MOST_LINES = 4;
const MOST_CHARACTERS = 120;
/** More than these hide the lines. */
const MOST = 60;

/** Everything that is marked, the newest first. */
export function annotationsOf(notes: readonly Note[], insights: Iterable<InsightEvent>): Annotation[] {
  const result = notes.map((note): Annotation => ({ at: note.at, until: note.until ?? null, kind: note.kind ?? "note", text: linesOf(note), note: note.id }));
  for (const one of insights) {
    if (one.kind !== "change") continue;
    const what = [capital(one.change ?? "change"), one.services?.join(", "), one.version].filter(Boolean).join(" ");
    result.push({ at: one.at, until: null, kind: "deployment", text: [what, one.message ?? ""].filter(Boolean).map(short), note: null });
  }
  return result.sort((a, b) => b.at - a.at).slice(0, MOST);
}

function linesOf(note: Note): string[] {
  const about = note.kind === "deployment" ? ["Deployment", note.service, note.version].filter(Boolean).join(" ") : "Note";
  const lines = note.text.split("\n").filter((line) => line.trim());
  const tags = note.tags?.length ? note.tags.map((tag) => `#${tag}`).join(" ") : "";
  return [about, ...lines.slice(0, MOST_LINES), lines.length > MOST_LINES ? "…" : "", tags].filter(Boolean).map(short);
}

function short(text: string): string {
  const characters = [...text];
  return characters.length > MOST_CHARACTERS ? `${characters.slice(0, MOST_CHARACTERS - 1).join("")}…` : text;
}

/** What was known at the instant `at` of what was said since `from`: of each insight its newest version of then. */
export function insightsAt(versions: readonly InsightVersion[], { from }: Pick<Bounds, "from">, at: number): InsightEvent[] {
  const known = new Map<string, InsightEvent>();
  for (const version of versions) {
    if (version.published_at > at) continue;
    // What is open is said again and again: at an instant between, it had just been.
    const { published_at: _, last_at, ...insight } = version;
    const heard = Math.max(insight.at, Math.min(at, last_at));
    if (heard < from) known.delete(insight.key);
    else known.set(insight.key, "phase" in insight && insight.phase !== "resolved" ? ({ ...insight, at: heard } as InsightEvent) : insight);
  }
  return [...known.values()];
}

/** What stands in the form of a note. */
export interface NoteForm {
  from: string;
  to: string;
  text: string;
  tags: string;
  kind: "note" | "deployment";
  service: string;
  version: string;
}

export function formOf(note: NoteContent): NoteForm {
  return {
    from: iso(note.at),
    to: note.until === undefined ? "" : iso(note.until),
    text: note.text,
    tags: note.tags?.join(", ") ?? "",
    kind: note.kind ?? "note",
    service: note.service ?? "",
    version: note.version ?? "",
  };
}

/** The note that a form says, or what is wrong and where. */
export function noteOf(form: NoteForm, now: number, utc: boolean): { note: NoteContent } | { field: keyof NoteForm; why: string } {
  const how = "write now-10m, a date with a time such as 2026-03-01 14:30, or epoch milliseconds.";
  const at = instantOf(form.from, now, utc);
  if (at === null) return { field: "from", why: `This is no time: ${how}` };
  const until = form.to.trim() ? instantOf(form.to, now, utc, true) : undefined;
  if (until === null) return { field: "to", why: `This is no time: ${how}` };
  if (until !== undefined && until <= at) return { field: "to", why: "The end lies before the beginning. Leave it empty for an instant." };
  const text = form.text.replaceAll("\r\n", "\n").trim();
  if (!text) return { field: "text", why: "Write what happened." };
  const tags = [...new Set(form.tags.split(",").map((tag) => tag.trim()).filter(Boolean))];
  const deployment = form.kind === "deployment";
  const note: NoteContent = { at: Math.round(at), text };
  if (until !== undefined) note.until = Math.round(until);
  if (tags.length) note.tags = tags;
  if (deployment) note.kind = "deployment";
  if (deployment && form.service.trim()) note.service = form.service.trim();
  if (deployment && form.version.trim()) note.version = form.version.trim();
  return { note };
}

/** `14:30:00`, or `14:30:00 to 15:00:00`, with the day where it is not today's. */
export function noteTime({ at, until }: NoteContent, now: number): string {
  const said = now - at > 86_400_000 ? dayAndTime : time;
  return until === undefined ? said(at) : `${said(at)} to ${said(until)}`;
}
