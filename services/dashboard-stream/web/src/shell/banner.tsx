/** The notice above the numbers when they are not current or not complete. */
import { useState } from "preact/hooks";
import { CATALOGUE } from "../live/dashboards.ts";
import type { Status } from "../live/status.ts";

interface Props {
  status: Status;
  waiting: boolean;
  retry: () => void;
  /** The time that the shown numbers are of, where they are old. */
  as_of: string | null;
}

export function Banner({ status, waiting, retry, as_of }: Props) {
  if (!status.why) return null;
  return (
    <div class={`banner ${status.tone}`}>
      <p>
        {status.why} {as_of && <>Showing data as of {as_of}.</>}
      </p>
      {waiting && (
        <button type="button" onClick={retry}>
          Try now
        </button>
      )}
    </div>
  );
}

/** Asks for a key, and has the gateway put it into a cookie: it stands in no address and no history. */
export function KeyForm({ why, opened }: { why: string; opened: () => void }) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const key = new FormData(event.currentTarget as HTMLFormElement).get("key");
    setBusy(true);
    try {
      const answer = await fetch(`${CATALOGUE}?token=${encodeURIComponent(String(key))}`, { cache: "no-store" });
      if (answer.ok) opened();
      else setProblem(answer.status === 401 || answer.status === 403 ? "This key is not valid." : `The gateway answered ${answer.status}.`);
    } catch {
      setProblem("The gateway is not responding.");
    }
    setBusy(false);
  };
  return (
    <form class="banner bad" onSubmit={submit}>
      <p>
        {why} {problem}
      </p>
      <label>
        API key <input name="key" type="password" autocomplete="off" required />
      </label>
      <button type="submit" disabled={busy}>
        Open
      </button>
    </form>
  );
}

/** Asks for the key of an editor, where one only reads so far: the browser keeps it in a cookie that no script can read. */
export function EditorKey({ begin, opened }: { begin: (key: string) => Promise<{ may_edit: boolean }>; opened: () => void }) {
  const [asked, setAsked] = useState(false);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  if (!asked) {
    return (
      <button type="button" onClick={() => setAsked(true)}>
        Give an editor's key
      </button>
    );
  }
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget as HTMLFormElement).get("key")).trim();
    setBusy(true);
    try {
      const session = await begin(key);
      setProblem(session.may_edit ? "" : "This key only reads: make one with drishti keys create --role editor.");
      opened();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy(false);
  };
  return (
    <form class="key-form" onSubmit={submit}>
      <label>
        Editor's key <input name="key" type="password" autocomplete="off" required />
      </label>
      <button type="submit" disabled={busy}>
        Use it
      </button>
      <p class="fault" role="alert">
        {problem}
      </p>
      <p class="muted">
        <code>drishti keys create --role editor --name me</code> makes one.
      </p>
    </form>
  );
}
