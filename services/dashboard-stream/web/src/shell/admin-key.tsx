/** Asks for the key of an administrator, where another one is held so far: the browser keeps it in a cookie that no script can read. */
import { useState } from "preact/hooks";
import { beginSession } from "../live/analytics.ts";

export function AdminKey({ opened }: { opened: () => void }) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget as HTMLFormElement).get("key")).trim();
    setBusy(true);
    try {
      const session = await beginSession(key, true); // nothing is being written here
      setProblem(session.may_administer ? "" : `This key has the role ${session.role}: one with the role admin is needed.`);
      opened();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy(false);
  };
  return (
    <form class="key-form" onSubmit={submit}>
      <label>
        Administrator's key <input name="key" type="password" autocomplete="off" required />
      </label>
      <button type="submit" disabled={busy}>
        Use it
      </button>
      <p class="fault" role="alert">
        {problem}
      </p>
      <p class="muted">
        <code>drishti keys create --role admin --name me</code> makes one; that of a local run is in <code>.drishti/client.env</code>.
      </p>
    </form>
  );
}
