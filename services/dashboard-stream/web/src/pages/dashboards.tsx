/** All dashboards: searched, pinned, copied, taken along as files, deleted. */
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { type Asked, wordOf } from "../model/asked.ts";
import type { Dashboard } from "../model/catalogue.ts";
import { editorAddress, searched } from "../model/dashboards.ts";
import type { Session } from "../model/definition.ts";
import { counted, dayAndTime, whole } from "../model/format.ts";
import { ReadOnly } from "../panels/metric-actions.tsx";
import { download } from "../panels/download.ts";
import { Notice } from "../panels/notice.tsx";

interface Props {
  list: Asked<Dashboard[]>;
  session: Session | null;
  pinned: readonly string[];
  pin: (name: string) => void;
  /** Gives a text of JSON or YAML to the editor; answers what is wrong with it. */
  take: (text: string) => Promise<string>;
  /** Rejects with a reason. */
  remove: (dashboard: Dashboard) => Promise<void>;
  retry: () => void;
  every: number;
  now: number;
  /** Asks for an editor's key. */
  keyForm: ComponentChildren;
}

export function DashboardsPage({ list, session, pinned, pin, take, remove, retry, every, now, keyForm }: Props) {
  const [search, setSearch] = useState("");
  const all = list.value ?? [];
  const found = searched(all, search);
  const word = wordOf(list, now, every);
  const mayEdit = session?.may_edit === true;
  return (
    <>
      <div class="heading">
        <div>
          <h1>All dashboards</h1>
          <p class="muted">Those that everybody has, and your own. A star keeps one in the navigation of this browser.</p>
        </div>
      </div>
      {word === "failed" && !list.failure?.key && (
        <Notice tone="bad" action="Try now" act={retry}>
          The dashboards cannot be listed: {list.failure?.why}
        </Notice>
      )}
      <section class="panel dashboard-list" aria-label="All dashboards">
        {mayEdit && <Make take={take} />}
        <ReadOnly session={session}>{keyForm}</ReadOnly>
        <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
          <label class="search">
            <span>Search</span>
            <input
              type="search"
              value={search}
              placeholder="Title, name, description, panel"
              autocomplete="off"
              spellcheck={false}
              onInput={(event) => setSearch(event.currentTarget.value)}
            />
          </label>
        </form>
        <p class="muted found" role="status" aria-label="Dashboards found">
          {word === "loading" ? "Loading the dashboards…" : found.length === all.length ? counted(all.length, "dashboard") : `${whole(found.length)} of ${counted(all.length, "dashboard")}`}
        </p>
        <ul>
          {found.map((one) => (
            <Row key={one.name} dashboard={one} mayEdit={mayEdit} pinned={pinned.includes(one.name)} pin={pin} remove={remove} />
          ))}
        </ul>
        {list.value && !found.length && (
          <div class="empty">
            <p>No dashboard matches the search.</p>
            <button type="button" onClick={() => setSearch("")}>
              Show all dashboards
            </button>
          </div>
        )}
        {list.value && !all.some((one) => one.own) && !search && (
          <p class="muted hint">
            None of your own yet. {mayEdit ? "Begin with “New dashboard”, or with “Save as” of one that is there." : "An editor can make one."} As code:{" "}
            <code>drishti dashboards apply file.yaml</code>.
          </p>
        )}
      </section>
    </>
  );
}

function Make({ take }: { take: (text: string) => Promise<string> }) {
  const [problem, setProblem] = useState("");
  const file = useRef<HTMLInputElement>(null);
  const read = async (input: HTMLInputElement) => {
    const chosen = input.files?.[0];
    if (!chosen) return;
    setProblem(await take(await chosen.text()));
    // The same file again, mended, is a change too.
    input.value = "";
  };
  return (
    <div class="define" role="group" aria-label="Make a dashboard">
      <a class="button primary" href={editorAddress()}>
        New dashboard
      </a>
      <button type="button" onClick={() => file.current?.click()}>
        Import a file
      </button>
      <input
        ref={file}
        class="spoken"
        type="file"
        tabIndex={-1}
        aria-label="File of a dashboard, JSON or YAML"
        accept=".json,.yaml,.yml,application/json,application/yaml"
        onChange={(event) => void read(event.currentTarget)}
      />
      {problem && (
        <p class="fault" role="alert">
          It cannot be imported: {problem}
        </p>
      )}
    </div>
  );
}

interface RowProps {
  dashboard: Dashboard;
  mayEdit: boolean;
  pinned: boolean;
  pin: (name: string) => void;
  remove: (dashboard: Dashboard) => Promise<void>;
}

function Row({ dashboard, mayEdit, pinned, pin, remove }: RowProps) {
  const { name, title, description, own, changed_at, panels } = dashboard;
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const dialog = useRef<HTMLDialogElement>(null);
  const document = `/api/dashboard/dashboards/${encodeURIComponent(name)}`;
  const gone = async () => {
    dialog.current?.close();
    setBusy(true);
    setProblem("");
    try {
      await remove(dashboard);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy(false);
  };
  return (
    <li>
      <div class="about">
        <a href={dashboard.path}>
          <bdi>{title}</bdi>
        </a>
        {!own && <span class="mark">built in</span>}
        {description && (
          <p class="muted">
            <bdi>{description}</bdi>
          </p>
        )}
        <p class="muted">
          {counted(panels.length, "panel")}
          {changed_at ? ` · changed ${dayAndTime(changed_at)}` : ""} · <code>{name}</code>
        </p>
        {problem && (
          <p class="fault" role="alert">
            {problem}
          </p>
        )}
      </div>
      <div class="row-actions">
        {own && (
          <button type="button" aria-pressed={pinned} aria-label={`Keep ${title} in the navigation`} onClick={() => pin(name)}>
            {pinned ? "★" : "☆"}
          </button>
        )}
        {own && mayEdit && (
          <a class="button" href={editorAddress({ dashboard: name })} aria-label={`Edit ${title}`}>
            Edit
          </a>
        )}
        {mayEdit && (
          <a class="button" href={editorAddress({ copy: name })} aria-label={`Save ${title} as another`}>
            Save as
          </a>
        )}
        <a class="button" href={`${document}?format=yaml`} download={`${name}.yaml`} aria-label={`Export ${title} as YAML`}>
          YAML
        </a>
        <ExportJson name={name} title={title} from={document} failed={setProblem} />
        {own && mayEdit && (
          <button type="button" disabled={busy} aria-label={`Delete ${title}`} onClick={() => dialog.current?.showModal()}>
            Delete
          </button>
        )}
      </div>
      <dialog ref={dialog} aria-label="Delete?">
        <form method="dialog">
          <h3>
            Delete <bdi>{title}</bdi>?
          </h3>
          <p>Whoever looks at it sees that it is gone. Its metrics stay. Export it first where you may want it again.</p>
          <div class="actions">
            <button type="submit">Cancel</button>
            <button type="button" class="danger" onClick={() => void gone()}>
              Delete
            </button>
          </div>
        </form>
      </dialog>
    </li>
  );
}

/** The document alone: what else an answer says of a dashboard is no part of its file. */
function ExportJson({ name, title, from, failed }: { name: string; title: string; from: string; failed: (why: string) => void }) {
  const save = async () => {
    try {
      const answer = await fetch(from, { cache: "no-store" });
      if (!answer.ok) throw new Error(`The gateway answered ${answer.status}.`);
      const { document } = (await answer.json()) as { document: unknown };
      download(`${name}.json`, `${JSON.stringify(document, null, 2)}\n`, "application/json");
      failed("");
    } catch (error) {
      failed(`It was not exported: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  return (
    <button type="button" aria-label={`Export ${title} as JSON`} onClick={() => void save()}>
      JSON
    </button>
  );
}
