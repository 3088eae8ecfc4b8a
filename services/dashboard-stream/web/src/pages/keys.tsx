/** The API keys of the tenant: a table, the form that makes one, and its text, which is shown once. */
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Asked } from "../model/asked.ts";
import type { Fault } from "../model/definition.ts";
import { dayAndTime, whole } from "../model/format.ts";
import { askWith, EXPIRIES, type Key, type Keys, type MadeKey, type NewKey, ordered, otelEnvironment, type Role, ROLES, stops } from "../model/keys.ts";
import { Field, TextField } from "../panels/field.tsx";
import { firstEvent } from "../panels/first-event.ts";
import { Notice } from "../panels/notice.tsx";

/** Why something was not done; `field`: of the form. */
export interface KeyFailure {
  why: string;
  field: string;
}

interface Props {
  list: Asked<Keys>;
  /** Why keys are not for this visitor; empty: they are. */
  locked: string;
  make: (wanted: NewKey) => Promise<{ made: MadeKey } | { failure: KeyFailure }>;
  /** What went wrong, or nothing. */
  revoke: (key: Key) => Promise<string>;
  retry: () => void;
  origin: string;
  /** Asks for an administrator's key. */
  keyForm: ComponentChildren;
}

export function KeysPanel({ list, locked, make, revoke, retry, origin, keyForm }: Props) {
  const [ended, setEnded] = useState(false);
  const keys = ordered(list.value?.keys ?? []);
  const active = keys.filter((key) => key.state === "active");
  const shown = ended ? keys : active;
  return (
    <section class="panel keys" aria-labelledby="keys-title">
      <h2 id="keys-title">API keys</h2>
      {locked ? (
        <div class="read-only" role="note">
          <p class="muted">
            <strong>For administrators.</strong> {locked}
          </p>
          {keyForm}
        </div>
      ) : (
        <>
          <MakeKey make={make} origin={origin} />
          {list.value === null && list.failure && (
            <Notice tone="bad" action="Try now" act={retry}>
              The keys cannot be listed: {list.failure.why}
            </Notice>
          )}
          {list.value === null && !list.failure && (
            <p class="muted" role="status">
              Loading the keys…
            </p>
          )}
          {list.value && (
            <>
              <p class="muted">
                {active.length} active of {keys.length}; a tenant may have {whole(list.value.most)}. Use is what this gateway noticed since {dayAndTime(Date.parse(list.value.noticed_since))}.
                {list.failure && ` The list is old: ${list.failure.why}`}
              </p>
              <div class="scrolled" tabIndex={0} role="region" aria-label="Keys">
                <table>
                  <thead>
                    <tr>
                      {["Name", "Role", "State", "Made", "Last used", "Expires"].map((title) => (
                        <th key={title} scope="col">
                          {title}
                        </th>
                      ))}
                      <th scope="col">
                        <span class="spoken">Revoke</span>
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {shown.map((key) => (
                      <Row key={key.id} one={key} revoke={revoke} />
                    ))}
                  </tbody>
                </table>
              </div>
              {keys.length > active.length && (
                <button type="button" class="link" aria-pressed={ended} onClick={() => setEnded(!ended)}>
                  {ended ? "Hide those that have ended" : `Show ${keys.length - active.length} that have ended`}
                </button>
              )}
            </>
          )}
        </>
      )}
    </section>
  );
}

function Row({ one, revoke }: { one: Key; revoke: (key: Key) => Promise<string> }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  useLayoutEffect(() => {
    if (asking) dialog.current?.showModal();
  }, [asking]);
  const end = async () => {
    setAsking(false);
    setBusy(true);
    setProblem(await revoke(one));
    setBusy(false);
  };
  return (
    <tr class={one.state}>
      <th scope="row">
        <bdi>{one.name}</bdi>
        {one.own && <span class="mark">this browser</span>}
        <small>
          <code>{one.id}</code>
        </small>
        {problem && (
          <p class="fault" role="alert">
            {problem}
          </p>
        )}
      </th>
      <td data-title="Role">{one.role}</td>
      <td data-title="State">{stateOf(one)}</td>
      <td data-title="Made">
        {at(one.created_at)}
        {one.made_by && <small> with {one.made_by}</small>}
      </td>
      <td data-title="Last used">{one.last_used_at ? at(one.last_used_at) : "–"}</td>
      <td data-title="Expires">{one.expires_at ? at(one.expires_at) : "never"}</td>
      <td>
        {one.state === "active" && one.role !== "service" && (
          <button type="button" disabled={busy} aria-label={`Revoke ${one.name}`} onClick={() => setAsking(true)}>
            Revoke
          </button>
        )}
        {asking && (
          <dialog ref={dialog} aria-label="Revoke?" onClose={() => setAsking(false)}>
            <form method="dialog">
              <h3>
                <span>
                  Revoke <bdi>{one.name}</bdi>?
                </span>
              </h3>
              <p>{stops(one)}</p>
              <p>It cannot be taken back: make another key instead.</p>
              <div class="actions">
                <button type="submit">Cancel</button>
                <button type="button" class="danger" onClick={() => void end()}>
                  Revoke
                </button>
              </div>
            </form>
          </dialog>
        )}
      </td>
    </tr>
  );
}

function at(instant: string): string {
  return dayAndTime(Date.parse(instant));
}

function stateOf({ state, revoked_at, revoked_by }: Key): string {
  if (state !== "revoked" || !revoked_at) return state;
  return `revoked ${at(revoked_at)}${revoked_by ? ` with ${revoked_by}` : ""}`;
}

function MakeKey({ make, origin }: Pick<Props, "make" | "origin">) {
  const [open, setOpen] = useState(false);
  const [made, setMade] = useState<MadeKey | null>(null);
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("producer");
  const [expires, setExpires] = useState("");
  const [failure, setFailure] = useState<KeyFailure | null>(null);
  const [busy, setBusy] = useState(false);
  const place = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (open) place.current?.querySelector("input")?.focus();
  }, [open]);
  if (made) {
    return (
      <Made
        made={made}
        origin={origin}
        done={() => {
          setMade(null);
          setOpen(false);
          setName("");
        }}
      />
    );
  }
  if (!open) {
    return (
      <div class="define">
        <button type="button" class="primary" onClick={() => setOpen(true)}>
          New key
        </button>
      </div>
    );
  }
  const faultOf = (field: string): { fault?: Fault } => (failure?.field === field ? { fault: { field, error: failure.why } } : {});
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    const result = await make({ name: name.trim(), role, ...(expires ? { expires } : {}) });
    setBusy(false);
    if ("made" in result) setMade(result.made);
    else setFailure(result.failure);
  };
  return (
    <form ref={place} class="note-form new-key" aria-label="New key" onSubmit={submit}>
      <TextField title="Name" value={name} set={setName} hint="What it is for: an application, a person, a machine" {...faultOf("name")} />
      <Field title="Role" hint={ROLES.find((one) => one.name === role)?.may} {...faultOf("role")}>
        {(about) => (
          <select {...about} value={role} onChange={(event) => setRole(event.currentTarget.value as Role)}>
            {ROLES.map((one) => (
              <option key={one.name} value={one.name}>
                {one.title}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field title="Expires" {...faultOf("expires")}>
        {(about) => (
          <select {...about} value={expires} onChange={(event) => setExpires(event.currentTarget.value)}>
            {EXPIRIES.map((one) => (
              <option key={one.value} value={one.value}>
                {one.title}
              </option>
            ))}
          </select>
        )}
      </Field>
      {failure && !["name", "role", "expires"].includes(failure.field) && (
        <p class="fault" role="alert">
          {failure.why}
        </p>
      )}
      <span class="actions">
        <button type="submit" class="primary" disabled={busy}>
          Make the key
        </button>
        <button type="button" onClick={() => setOpen(false)}>
          Cancel
        </button>
      </span>
    </form>
  );
}

/** The text of a key that was just made, and how it is used. */
function Made({ made, origin, done }: { made: MadeKey; origin: string; done: () => void }) {
  const [example, setExample] = useState("");
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  const { key, text } = made;
  const examples = examplesOf(key.role, origin);
  const shown = examples.find((one) => one.title === example) ?? examples[0];
  return (
    <section class="made-key" aria-label="The new key">
      <h3 ref={title} tabIndex={-1}>
        <span>
          The key of <bdi>{key.name}</bdi>
        </span>
      </h3>
      <p class="muted">Its text is shown now and never again: keep it in a password manager or in the secrets of the application.</p>
      <Copied text={text} label="Text of the key" />
      <p class="muted">In a shell:</p>
      <Copied text={`export DRISHTI_API_KEY='${text}'`} label="Command that sets the key" />
      <div class="segments" role="group" aria-label="Example">
        {examples.map((one) => (
          <button type="button" key={one.title} aria-pressed={one === shown} onClick={() => setExample(one.title)}>
            {one.title}
          </button>
        ))}
      </div>
      {shown && <Copied key={shown.title} text={shown.code} label={`Example: ${shown.title}`} />}
      <div class="actions">
        <button type="button" class="primary" onClick={done}>
          I have kept it
        </button>
      </div>
    </section>
  );
}

function examplesOf(role: string, origin: string): { title: string; code: string }[] {
  const ask = { title: "Ask by curl", code: askWith(origin) };
  if (role === "viewer") return [ask];
  const id = `key-${Date.now()}`;
  return [
    { title: "curl", code: firstEvent("curl", origin, id) },
    { title: "Python", code: firstEvent("python", origin, id) },
    { title: "OpenTelemetry", code: otelEnvironment(origin) },
    ...(role === "producer" ? [] : [ask]),
  ];
}

/** A text with the button that copies it. */
function Copied({ text, label }: { text: string; label: string }) {
  const [said, say] = useState("");
  const copy = () => {
    // Where the page is not of https or of this machine there is no clipboard at all.
    (navigator.clipboard?.writeText(text) ?? Promise.reject(new Error("none"))).then(
      () => say("Copied"),
      () => say("The browser does not allow it: select the text instead"),
    );
  };
  return (
    <div class="copied">
      <pre tabIndex={0} aria-label={label}>
        <code>{text}</code>
      </pre>
      <button type="button" aria-label={`Copy: ${label}`} onClick={copy}>
        Copy
      </button>
      <span role="status" class="muted">
        {said}
      </span>
    </div>
  );
}
