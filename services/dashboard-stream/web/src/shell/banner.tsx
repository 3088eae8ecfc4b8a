/** The notice above the numbers when they are not current or not complete. */
import { useEffect, useState } from "preact/hooks";
import { beginSession, fetchSession, NoAnswer } from "../live/analytics.ts";
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

/**
 * Asks for a key, and has the gateway put it into a cookie: it stands in no address and no history. Says what became of the key that
 * the browser has. One of another tenant is taken only when that is wanted, since the page then begins anew.
 */
export function KeyForm({ why, opened }: { why: string; opened: () => void }) {
  const [problem, setProblem] = useState("");
  const [ended, setEnded] = useState("");
  const [other, setOther] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    const say = (said: string) => {
      if (/^the API key (was|expired)/.test(said)) setEnded(`${sentence(said)} What is shown stays. Give another key to go on.`);
    };
    fetchSession().then(
      (session) => say(session.key_problem ?? ""),
      (error: unknown) => say(error instanceof NoAnswer ? error.message : ""),
    );
  }, []);
  const begin = async (key: string, any: boolean) => {
    setBusy(true);
    setProblem("");
    setOther("");
    try {
      await beginSession(key, any);
      if (any) location.reload();
      else opened();
    } catch (error) {
      if (error instanceof NoAnswer && error.field === "tenant") setOther(key);
      setProblem(error instanceof NoAnswer && error.message === "the API key is not valid" ? "This key is not valid." : sentence(error instanceof Error ? error.message : String(error)));
    }
    setBusy(false);
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void begin(String(new FormData(event.currentTarget as HTMLFormElement).get("key")).trim(), false);
  };
  return (
    <form class="banner bad" onSubmit={submit}>
      <p role="alert">
        {ended || why} {problem}
      </p>
      <label>
        API key <input name="key" type="password" autocomplete="off" required />
      </label>
      <button type="submit" disabled={busy}>
        Open
      </button>
      {other && (
        <button type="button" disabled={busy} onClick={() => void begin(other, true)}>
          Open that tenant instead
        </button>
      )}
    </form>
  );
}

/** `text` with a capital at its beginning and a full stop at its end. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}`;
}

/** Asks for the key of an editor, where one only reads so far: the browser keeps it in a cookie that no script can read. */
export function EditorKey({ begin, opened }: { begin: (key: string) => Promise<{ may_edit: boolean }>; opened: () => void }) {
  const [asked, setAsked] = useState(false);
  if (!asked) {
    return (
      <button type="button" onClick={() => setAsked(true)}>
        Give an editor's key
      </button>
    );
  }
  const accepted = async (key: string) => ((await begin(key)).may_edit ? "" : "This key only reads: make one with drishti keys create --role editor --name me.");
  return <RoleKey owner="Editor" role="editor" begin={accepted} opened={opened} />;
}

/** The form for a key of `role`. `begin` takes the key and says what is wrong with it, in words; empty: nothing. */
export function RoleKey({ owner, role, begin, opened }: { owner: string; role: string; begin: (key: string) => Promise<string>; opened: () => void }) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget as HTMLFormElement).get("key")).trim();
    setBusy(true);
    try {
      setProblem(await begin(key));
      opened();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy(false);
  };
  return (
    <form class="key-form" onSubmit={submit}>
      <label>
        {owner}'s key <input name="key" type="password" autocomplete="off" required />
      </label>
      <button type="submit" disabled={busy}>
        Use it
      </button>
      <p class="fault" role="alert">
        {problem}
      </p>
      <p class="muted">
        <code>drishti keys create --role {role} --name me</code> makes one; that of a local run is in <code>.drishti/client.env</code>.
      </p>
    </form>
  );
}
