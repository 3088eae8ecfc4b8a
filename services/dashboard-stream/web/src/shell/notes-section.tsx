/** The notes below a dashboard, stored by the service; an editor's key is asked for where one only reads so far. */
import { beginSession, NoAnswer } from "../live/analytics.ts";
import { deleteNote, type Notes as Listed, storeNote } from "../live/notes.ts";
import type { Asked } from "../model/asked.ts";
import type { Bounds } from "../model/shown-time.ts";
import { type NoteProblem, Notes } from "../pages/notes.tsx";
import { EditorKey } from "./banner.tsx";

interface Props {
  notes: Asked<Listed>;
  again: () => void;
  bounds: Bounds;
  now: number;
  utc: boolean;
  open: string;
  close: () => void;
}

export function NotesSection({ notes, again, ...rest }: Props) {
  const attempt = async (change: () => Promise<unknown>): Promise<NoteProblem | null> => {
    try {
      await change();
      return null;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return { why: error.message, key: error.status === 401 || error.status === 403 };
    } finally {
      again();
    }
  };
  return (
    <Notes
      {...rest}
      notes={notes.value?.notes ?? []}
      leftOff={notes.value?.left_off ?? 0}
      failure={notes.value ? "" : (notes.failure?.why ?? "")}
      save={(note, replaced) => attempt(() => storeNote(note, replaced))}
      remove={(note) => attempt(() => deleteNote(note))}
      keyForm={(opened) => <EditorKey begin={beginSession} opened={opened} />}
    />
  );
}
