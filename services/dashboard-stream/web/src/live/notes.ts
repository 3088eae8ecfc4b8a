/** Asks the service for notes and for what models said over a range, and has it store and delete notes. */
import type { InsightVersion, Note, NoteContent } from "../model/notes.ts";
import type { Bounds } from "../model/shown-time.ts";
import { get, NoAnswer, of, send } from "./analytics.ts";

const NOTES = "/api/dashboard/notes";
const HISTORY = "/api/dashboard/insight-history";

export interface Notes {
  notes: Note[];
  /** Further ones of the range, which are not among them. */
  left_off: number;
}

export interface History {
  insights: InsightVersion[];
  /** Why it is not all. */
  problem: string;
}

export function fetchNotes(bounds: Bounds, signal: AbortSignal): Promise<Notes> {
  return get<Notes>(`${NOTES}?${rangeOf(bounds)}`, signal);
}

export function fetchHistory(bounds: Bounds, signal: AbortSignal): Promise<History> {
  return get<History>(`${HISTORY}?${rangeOf(bounds)}`, signal);
}

/** Stores `note`, in place of `replaced` where that is given; raises {@link NoAnswer}, also where somebody else was faster. */
export async function storeNote(note: NoteContent, replaced: Pick<Note, "id" | "revision"> | null): Promise<Note> {
  const url = replaced ? `${NOTES}/${replaced.id}?revision=${replaced.revision}` : NOTES;
  return of<Note>(await checked(await send(replaced ? "PUT" : "POST", url, { body: note })));
}

export async function deleteNote({ id, revision }: Pick<Note, "id" | "revision">): Promise<void> {
  await of(await checked(await send("DELETE", `${NOTES}/${id}?revision=${revision}`)));
}

async function checked(answer: Response): Promise<Response> {
  if (answer.status === 409) throw new NoAnswer("Somebody else changed this note meanwhile: look at it again.", 409);
  return answer;
}

function rangeOf({ from, to }: Bounds): string {
  return `from=${Math.max(0, Math.floor(from))}&to=${Math.max(0, Math.ceil(to))}`;
}
