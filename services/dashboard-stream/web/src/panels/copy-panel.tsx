/** Copies a panel to another of the tenant's dashboards, or to a new one: what it needs goes along, and nobody's change is overwritten. */
import { useEffect, useRef, useState } from "preact/hooks";
import { fetchSession } from "../live/analytics.ts";
import { fetchCatalogue, fetchDashboard, storeDashboard } from "../live/dashboards.ts";
import { handOver } from "../live/handed-over.ts";
import type { Dashboard } from "../model/catalogue.ts";
import { copied, type CopiedPanel, withPanel } from "../model/copied-panel.ts";
import { DASHBOARDS_PATH, editorAddress } from "../model/dashboards.ts";
import { keyOf } from "../model/panels.ts";

const TIMEOUT_MS = 20_000;
/** Somebody else may store the dashboard at the same moment: then the panel is added to what they stored. */
const MOST_TRIES = 3;

interface Props {
  title: string;
  /** The panel as its document has it. */
  source: () => Promise<CopiedPanel>;
  /** The dashboard that it is on. */
  from: string;
  close: () => void;
}

/** The same for a panel of a dashboard that is shown: it is copied as it is stored, and not with what is chosen for variables. */
export function CopyShown({ title, id, from, close }: Pick<Props, "title" | "from" | "close"> & { id: string }) {
  const source = async () => {
    const { document } = await fetchDashboard(from, AbortSignal.timeout(TIMEOUT_MS));
    const panel = document.panels?.find((one) => keyOf(one) === id);
    if (!panel) throw new Error("somebody removed it meanwhile.");
    return copied(panel, document.variables ?? []);
  };
  return <CopyPanel title={title} from={from} source={source} close={close} />;
}

export function CopyPanel({ title, source, from, close }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [dashboards, setDashboards] = useState<Dashboard[] | null>(null);
  const [mayEdit, setMayEdit] = useState(true);
  const [to, setTo] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const [done, setDone] = useState<{ dashboard: Dashboard; words: string } | null>(null);
  useEffect(() => {
    dialog.current?.showModal();
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    Promise.all([fetchCatalogue(signal), fetchSession(signal)]).then(
      ([all, session]) => {
        setDashboards(all.filter((one) => one.own && one.name !== from));
        setMayEdit(session.may_edit);
      },
      (error: unknown) => setProblem(`The dashboards could not be read: ${wordsOf(error)}`),
    );
  }, []);

  const copyTo = async (name: string) => {
    setBusy(true);
    setProblem("");
    try {
      const panel = await source();
      if (!name) {
        handOver(withPanel({ name: "", title: "", panels: [] }, panel).document);
        location.assign(editorAddress({ import: "panel" }));
        return;
      }
      setDone(await added(name, panel));
    } catch (error) {
      setProblem(`It was not copied: ${wordsOf(error)}`);
    }
    setBusy(false);
  };
  return (
    <dialog ref={dialog} class="explain" aria-label={`Copy ${title} to a dashboard`} onClose={close} onClick={(event) => event.target === event.currentTarget && event.currentTarget.close()}>
      <div>
        <h2>
          <span>
            Copy <bdi>{title}</bdi>
          </span>
          <button type="button" aria-label="Close" onClick={() => dialog.current?.close()}>
            ×
          </button>
        </h2>
        {mayEdit ? (
          <form
            class="copy-panel"
            onSubmit={(event) => {
              event.preventDefault();
              void copyTo(to);
            }}
          >
            <label>
              To{" "}
              <select value={to} disabled={!dashboards} onChange={(event) => setTo(event.currentTarget.value)}>
                <option value="">a new dashboard</option>
                {dashboards?.map((one) => (
                  <option key={one.name} value={one.name}>
                    {one.title}
                  </option>
                ))}
              </select>
            </label>{" "}
            <button type="submit" class="button" disabled={busy || !dashboards}>
              Copy
            </button>
          </form>
        ) : (
          <p>
            Only the key of an editor changes dashboards: give it on the page <a href={DASHBOARDS_PATH}>All dashboards</a>.
          </p>
        )}
        <p class="fault" role="alert">
          {problem}
        </p>
        <p role="status">
          {done && (
            <>
              {done.words} <a href={done.dashboard.path}>{done.dashboard.title}</a>
            </>
          )}
        </p>
      </div>
    </dialog>
  );
}

async function added(name: string, panel: CopiedPanel): Promise<{ dashboard: Dashboard; words: string }> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const there = await fetchDashboard(name, AbortSignal.timeout(TIMEOUT_MS));
    const { document, added, other } = withPanel(there.document, panel);
    const result = await storeDashboard(document, there.revision ?? 0);
    if ("faults" in result) throw new Error(result.faults.map(({ field, error }) => `${field}: ${error}`).join("; "));
    if ("conflict" in result) continue;
    const words = [
      "It is the last panel there.",
      ...(added.length ? [`${named(added)} added with it.`] : []),
      ...(other.length ? [`${named(other)} of another metric or dimension there, and chooses by that.`] : []),
    ];
    return { dashboard: result.stored, words: words.join(" ") };
  }
  throw new Error("others go on changing that dashboard. Try again.");
}

function named(names: readonly string[]): string {
  return names.length === 1 ? `The variable ${names[0]} is` : `The variables ${names.join(", ")} are`;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
