/** Notes and deployments of the range that is shown: a list, and the form in which one is written or changed. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { whole } from "../model/format.ts";
import { formOf, type Note, type NoteContent, type NoteForm, noteOf, noteTime } from "../model/notes.ts";
import type { Bounds } from "../model/shown-time.ts";
import { Field, TextField } from "../panels/field.tsx";

/** Why a note was not stored; `key`: an editor's is needed. */
export interface NoteProblem {
  why: string;
  key: boolean;
}

interface Props {
  notes: readonly Note[];
  leftOff: number;
  /** Why they are not there. */
  failure: string;
  bounds: Bounds;
  now: number;
  utc: boolean;
  /** The id of the note that was clicked in a chart, or nothing; `close` forgets it. */
  open: string;
  close: () => void;
  save: (note: NoteContent, replaced: Note | null) => Promise<NoteProblem | null>;
  remove: (note: Note) => Promise<NoteProblem | null>;
  /** Asks for an editor's key, and calls back once there is one. */
  keyForm: (opened: () => void) => ComponentChildren;
}

export function Notes({ notes, leftOff, failure, bounds, now, utc, open, close, save, remove, keyForm }: Props) {
  const [edited, setEdited] = useState<Note | "new" | null>(null);
  const [problem, setProblem] = useState<NoteProblem | null>(null);
  useEffect(() => {
    const clicked = notes.find((note) => note.id === open);
    if (!clicked) return;
    setEdited(clicked);
    close();
  }, [open, notes]);
  const done = (failed: NoteProblem | null) => {
    setProblem(failed);
    if (!failed) setEdited(null);
  };
  // A range in the past is what is written about; of the present its instant.
  const fresh: NoteContent = bounds.to < now - 60_000 ? { at: bounds.from, until: bounds.to, text: "" } : { at: Math.floor(now / 1000) * 1000, text: "" };
  return (
    <section class="panel notes" aria-label="Notes">
      <h2>
        Notes
        <small>{leftOff > 0 ? `the newest ${whole(notes.length)}, and ${whole(leftOff)} more` : ""}</small>
      </h2>
      {failure && <p class="warn">The notes of this range cannot be read: {failure}</p>}
      {!failure && !notes.length && !edited && <p class="muted">Nobody wrote about this range. Notes and deployments are drawn in all charts.</p>}
      {notes.length > 0 && (
        <ul>
          {notes.map((note) => (
            <li key={note.id}>
              <time dateTime={new Date(note.at).toISOString()}>{noteTime(note, now)}</time>
              <div>
                {note.kind === "deployment" && <b>Deployment {[note.service, note.version].filter(Boolean).join(" ")}</b>}
                <p>
                  <bdi>{note.text}</bdi>
                </p>
                {note.tags?.map((tag) => (
                  <span class="tag" key={tag}>
                    <bdi>{tag}</bdi>
                  </span>
                ))}
              </div>
              <span class="actions">
                <button type="button" onClick={() => setEdited(note)}>
                  Edit
                </button>
                <button type="button" onClick={() => void remove(note).then(done)}>
                  Delete
                </button>
              </span>
            </li>
          ))}
        </ul>
      )}
      {problem && (
        <p class="fault" role="alert">
          {problem.why}
        </p>
      )}
      {problem?.key && keyForm(() => setProblem(null))}
      {edited ? (
        <Form
          key={edited === "new" ? "new" : `${edited.id} ${edited.revision}`}
          note={edited === "new" ? fresh : edited}
          now={now}
          utc={utc}
          save={(note) => save(note, edited === "new" ? null : edited).then(done)}
          cancel={() => done(null)}
        />
      ) : (
        <button type="button" class="add-note" onClick={() => setEdited("new")}>
          Add a note
        </button>
      )}
    </section>
  );
}

interface FormProps {
  note: NoteContent;
  now: number;
  utc: boolean;
  save: (note: NoteContent) => Promise<void>;
  cancel: () => void;
}

function Form({ note, now, utc, save, cancel }: FormProps) {
  const [form, setForm] = useState<NoteForm>(() => formOf(note));
  const [wrong, setWrong] = useState<{ field: keyof NoteForm; why: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const place = useRef<HTMLFormElement>(null);
  useEffect(() => {
    place.current?.querySelector("textarea")?.focus();
  }, []);
  const set = (field: keyof NoteForm) => (value: string) => setForm((before) => ({ ...before, [field]: value }));
  const faultOf = (field: keyof NoteForm) => (wrong?.field === field ? { fault: { field, error: wrong.why } } : {});
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const read = noteOf(form, now, utc);
    setWrong("note" in read ? null : read);
    if (!("note" in read)) return;
    setBusy(true);
    await save(read.note);
    setBusy(false);
  };
  return (
    <form ref={place} class="note-form" onSubmit={submit}>
      <TextField title="From" value={form.from} set={set("from")} {...faultOf("from")} />
      <TextField title="To" value={form.to} set={set("to")} hint="empty: an instant" {...faultOf("to")} />
      <Field title="Kind">
        {(about) => (
          <select {...about} value={form.kind} onChange={(event) => set("kind")(event.currentTarget.value)}>
            <option value="note">Note</option>
            <option value="deployment">Deployment</option>
          </select>
        )}
      </Field>
      {form.kind === "deployment" && <TextField title="Service" value={form.service} set={set("service")} />}
      {form.kind === "deployment" && <TextField title="Version" value={form.version} set={set("version")} />}
      <TextField title="Tags" value={form.tags} set={set("tags")} hint="separated by commas" />
      <Field title="Text" wide {...faultOf("text")}>
        {(about) => <textarea {...about} rows={3} maxLength={2_000} value={form.text} onInput={(event) => set("text")(event.currentTarget.value)} />}
      </Field>
      <span class="actions">
        <button type="submit" disabled={busy}>
          Save note
        </button>
        <button type="button" onClick={cancel}>
          Cancel
        </button>
      </span>
    </form>
  );
}
