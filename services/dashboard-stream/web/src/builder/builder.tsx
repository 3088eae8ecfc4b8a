/** Edits a dashboard: its panels with a live preview, their order, what is wrong with them, and two versions where somebody was faster. */
import type { ComponentChildren } from "preact";
import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import type { Theme } from "../charts/palette.ts";
import { copied, freeId, MOST_PASTED, panelIn, textOf } from "../model/copied-panel.ts";
import type { DashboardDocument } from "../model/contracts.ts";
import type { CheckedDocument, DocumentConflict, StoredDocument, WholeDashboard } from "../model/dashboards.ts";
import type { Fault, Session } from "../model/definition.ts";
import type { Metric } from "../model/metrics.ts";
import { isArranged, type Place, placesOn, type Width } from "../model/layout.ts";
import type { Panel } from "../model/panels.ts";
import { CopyPanel } from "../panels/copy-panel.tsx";
import { TextField } from "../panels/field.tsx";
import { ReadOnly } from "../panels/metric-actions.tsx";
import { toClipboard, useClipboard } from "./use-clipboard.ts";
import { useChecked } from "../panels/use-checked.ts";
import { dropped, landing, resized, withOpen } from "./arrange.ts";
import { Conflict } from "./conflict.tsx";
import { type Action, begin, isDirty, isEdited, nameOf, reduce } from "./edits.ts";
import { Card } from "./card.tsx";
import { KINDS, newPanel, unanswered } from "./questions.ts";
import { cellStyle, type Target, useArranging } from "./use-arranging.ts";
import { type Ask, Asking } from "../panels/use-values.ts";
import { Variables, VariablesForm } from "./variables-form.tsx";

/** After the last change, until the whole document is checked. */
const PAUSE_MS = 300;
const PASTE_MS = 20_000;
const NO_VARIABLES: never[] = [];
const NO_PANELS: readonly Panel[] = [];
const WIDTHS: Readonly<Record<Width, string>> = { desk: "Desk", tablet: "Tablet", phone: "Phone" };

export interface Storing {
  check: (document: DashboardDocument, signal: AbortSignal) => Promise<CheckedDocument>;
  store: (document: DashboardDocument, revision: number) => Promise<StoredDocument>;
}

interface Props {
  /** What is edited at first; `stored` where it is there, at `revision`. */
  first: DashboardDocument;
  stored: boolean;
  revision: number;
  /** Names that dashboards have already. */
  taken: ReadonlySet<string>;
  metrics: readonly Metric[];
  session: Session | null;
  storing: Storing;
  ask: Ask;
  theme: Theme;
  setUnsaved: (unsaved: boolean) => void;
  /** It came from another page and is nowhere else. */
  handedOver: boolean;
  saved: (dashboard: WholeDashboard) => void;
  /** Leaves the editor, having asked. */
  leave: () => void;
  /** Has the browser keep a file. */
  download: (name: string, text: string, type: string) => void;
  keyForm: ComponentChildren;
}

export function Builder(props: Props) {
  const { first, stored, taken, metrics, session, storing, ask, theme, setUnsaved, saved, leave, download, keyForm, handedOver } = props;
  const [editing, act] = useReducer<ReturnType<typeof begin>, Action>(reduce, begin(first, stored ? first : null));
  const { now: shown, past, future } = editing;
  const panels = shown.panels ?? [];
  const [revision, setRevision] = useState(props.revision);
  const [there, setThere] = useState(stored);
  const [chosen, choose] = useState("");
  const [named, setNamed] = useState(stored);
  const [refused, setRefused] = useState<Fault[]>([]);
  const [failure, setFailure] = useState("");
  const [busy, setBusy] = useState(false);
  const [conflict, setConflict] = useState<DocumentConflict | null>(null);
  const [said, say] = useState("");
  const mayEdit = session?.may_edit === true;
  const dirty = isDirty(editing);
  // A key that ends meanwhile takes no work along: it is saved with another one.
  const began = useRef(false);
  if (mayEdit) began.current = true;
  // What was handed over is nowhere else.
  const unsaved = dirty && (handedOver || isEdited(editing));
  useEffect(() => setUnsaved(began.current && unsaved), [mayEdit, unsaved]);
  useEffect(() => () => setUnsaved(false), []);
  useEffect(() => setRefused([]), [shown]);

  const { checked, current, why } = useChecked(shown, storing.check, { may: mayEdit, pauseMs: PAUSE_MS });
  const own: Fault[] = !there && taken.has(shown.name) ? [{ field: "name", error: "there is such a dashboard already: choose another name" }] : [];
  const wrong = [...own, ...(current ? (checked?.faults ?? []) : []), ...refused];
  const faults = new Map(wrong.toReversed().map((fault) => [fault.field, fault]));

  const whole = faults.get("") ?? faults.get("panels");

  const move = (from: number, to: number, x?: number) => {
    if (to < 0 || to >= panels.length) return;
    act({ do: "move", from, to, x });
    say(`${panels[from]?.title} is at place ${to + 1} of ${panels.length}`);
  };
  const [width, setWidth] = useState<Width>("desk");
  const grid = useRef<HTMLOListElement>(null);
  const opened = panels.findIndex((panel) => panel.id === chosen);
  const target = (at: number, over: Target) => ("panel" in over ? { to: over.panel } : dropped(panels, at, over.cell, width));
  const resize = (at: number, size: { columns?: number; rows?: number }) => {
    act({ do: "resize", at, width, size, step: `${panels[at]?.id} size on ${width}` });
    const place = placesOn(resized(panels, at, width, size), width)[at];
    say(`${panels[at]?.title} is ${place?.columns} of 12 columns wide and ${place?.rows === 1 ? "1 row" : `${place?.rows} rows`} high`);
  };
  const standing = useRef<(Place | undefined)[]>([]);
  const [arranging, handle] = useArranging({
    grid,
    places: standing.current,
    drop: (at, over) => {
      const { to, x } = target(at, over);
      move(at, Math.min(to, panels.length - 1), x);
    },
    resize,
  });
  const sized = arranging && "size" in arranging && Object.keys(arranging.size).length ? resized(panels, arranging.at, width, arranging.size) : panels;
  const places = placesOn(withOpen(sized, opened, width), width);
  standing.current = places;
  const drop = arranging && "over" in arranging && arranging.over ? landing(panels, arranging.at, target(arranging.at, arranging.over), width) : undefined;
  const [copiedTo, setCopied] = useState<Panel | null>(null);
  const copy = (panel: Panel) => {
    const isCopied = toClipboard(textOf(copied(panel, shown.variables ?? NO_VARIABLES)));
    say(isCopied ? `${panel.title} is in the clipboard. Paste it into this or another dashboard.` : "The browser does not let the page copy");
  };
  const paste = async (text: string) => {
    if (text.length > MOST_PASTED) return setFailure("What is in the clipboard is too large for a panel.");
    const given = panelIn(text);
    if (!given) return setFailure("What is in the clipboard is no panel.");
    try {
      // Whatever it was made by: only what the service takes as a panel is taken.
      const { faults, document } = await storing.check({ name: "pasted", title: "Pasted", panels: [given.panel], variables: given.variables }, AbortSignal.timeout(PASTE_MS));
      const [panel] = document?.panels ?? [];
      if (faults.length || !panel) return setFailure(`What is in the clipboard is no panel. ${faults.map(({ field, error }) => `${field}: ${error}`).join("; ")}`);
      setFailure("");
      act({ do: "paste", copied: { panel, variables: document?.variables ?? [] } });
      say(`${panel.title} is added`);
    } catch (error) {
      setFailure(`It was not pasted: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  useClipboard(mayEdit, paste, () => panels[Number(document.activeElement?.closest<HTMLElement>("[data-panel]")?.dataset.panel ?? -1)], copy);
  const add = (kind: string) => {
    const added = { ...newPanel(kind, metrics), id: freeId(panels, kind) };
    act({ do: "add", panel: added });
    choose(added.id);
    say(`${added.title} is added`);
  };
  const describe = (change: { name?: string; title?: string; description?: string }, step: string) => {
    const name = change.title !== undefined && !named && !there ? { name: nameOf(change.title) } : {};
    act({ do: "describe", change: { ...change, ...name }, step });
  };

  const save = async (over = revision) => {
    if (busy || !mayEdit) return;
    setBusy(true);
    setFailure("");
    try {
      const result = await storing.store(shown, over);
      if ("conflict" in result) setConflict(result.conflict);
      else if ("faults" in result) setRefused(result.faults);
      else {
        const { document, revision = 0 } = result.stored;
        setConflict(null);
        setRevision(revision);
        setThere(true);
        act({ do: "saved", document });
        setUnsaved(false);
        saved(result.stored);
      }
    } catch (error) {
      setFailure(`It was not saved: ${error instanceof Error ? error.message : String(error)}`);
    }
    setBusy(false);
  };
  const take = ({ theirs, revision }: DocumentConflict) => {
    setConflict(null);
    if (!theirs) {
      setUnsaved(false);
      return leave();
    }
    setRevision(revision);
    setThere(true);
    act({ do: "replace", document: theirs });
    act({ do: "saved", document: theirs });
  };
  useKeys({ undo: () => act({ do: "undo" }), redo: () => act({ do: "redo" }), save: () => void save() });

  return (
    <Asking.Provider value={ask}>
    <Variables.Provider value={shown.variables ?? NO_VARIABLES}>
    <div class="builder">
      <div class="builder-bar">
        <div class="heading">
          <h1>
            <bdi>{shown.title || "New dashboard"}</bdi>
          </h1>
          <span class={`state ${dirty ? "warn" : "quiet"}`} role="status">
            {busy ? "saving" : dirty ? (there ? "not saved" : "new, not saved") : "saved"}
          </span>
        </div>
        <div class="actions" role="toolbar" aria-label="Dashboard">
          <button type="button" disabled={!past.length} aria-keyshortcuts="Control+Z" onClick={() => act({ do: "undo" })}>
            Undo
          </button>
          <button type="button" disabled={!future.length} aria-keyshortcuts="Control+Shift+Z" onClick={() => act({ do: "redo" })}>
            Redo
          </button>
          <button type="button" onClick={() => download(`${shown.name || "dashboard"}.json`, `${JSON.stringify(shown, null, 2)}\n`, "application/json")}>
            JSON
          </button>
          <button type="button" disabled={!current || !checked?.yaml} onClick={() => download(`${shown.name}.yaml`, checked?.yaml ?? "", "application/yaml")}>
            YAML
          </button>
          <button type="button" onClick={leave}>
            {unsaved && began.current ? "Discard" : "Close"}
          </button>
          <button type="button" class="primary" disabled={busy || !mayEdit || (!dirty && there)} aria-keyshortcuts="Control+S" onClick={() => void save()}>
            Save
          </button>
        </div>
      </div>
      <ReadOnly session={session}>{keyForm}</ReadOnly>
      {(failure || why) && (
        <p class="fault" role="alert">
          {failure || `It cannot be checked: ${why}`}
        </p>
      )}
      {refused.length > 0 && (
        <p class="fault" role="alert">
          It was not saved: {refusal(refused[0] as Fault, shown.panels ?? NO_PANELS)}
        </p>
      )}
      {!refused.length && whole && (
        <p class="fault" role="alert">
          {whole.field ? `${whole.field}: ${whole.error}` : whole.error}
        </p>
      )}
      {conflict && (
        <Conflict conflict={conflict} yours={shown} busy={busy} replace={() => void save(conflict.revision)} take={() => take(conflict)} back={() => setConflict(null)} />
      )}
      <fieldset class="plain" disabled={!mayEdit}>
        <legend class="spoken">Dashboard</legend>
        <div class="panel form-grid">
          <TextField title="Title" value={shown.title} set={(title) => describe({ title }, "title")} fault={faults.get("title")} placeholder="Checkout" />
          <TextField
            title="Name"
            value={shown.name}
            set={(name) => {
              setNamed(true);
              describe({ name }, "name");
            }}
            fault={shown.name || named ? faults.get("name") : undefined}
            readOnly={there}
            hint={there ? "Part of its address: it stays." : "Part of its address: a-z, 0-9, _ and -."}
          />
          <TextField title="Description" value={shown.description ?? ""} set={(description) => describe({ description }, "description")} fault={faults.get("description")} wide />
        </div>
        <VariablesForm variables={shown.variables ?? NO_VARIABLES} metrics={metrics} faults={faults} set={(variables, step) => act({ do: "describe", change: { variables }, step })} />
        <div class="arrangement">
          <div class="segments" role="group" aria-label="Width of the page">
            {Object.entries(WIDTHS).map(([one, title]) => (
              <button type="button" key={one} aria-pressed={width === one} onClick={() => setWidth(one as Width)}>
                {title}
              </button>
            ))}
          </div>
          <p class="muted">
            {isArranged(panels) ? "Arranged by hand." : "Arranged by kind: numbers, then charts, then lists. Whoever moves or resizes a panel arranges them by hand."}
          </p>
          {isArranged(panels) && (
            <button type="button" onClick={() => act({ do: "arrange by kind" })}>
              Arrange by kind
            </button>
          )}
        </div>
        <ol class={`cards on-${width}`} aria-label="Panels" ref={grid}>
          {drop && <li class="drop-target" aria-hidden="true" style={cellStyle(drop)} />}
          {sized.map((panel, at) => (
            <Card
              key={panel.id ?? at}
              panel={panel}
              at={at}
              of={panels.length}
              metrics={metrics}
              ask={ask}
              theme={theme}
              faults={faultsAt(wrong, at, panel, metrics)}
              open={chosen === panel.id}
              toggle={() => choose(chosen === panel.id ? "" : (panel.id ?? ""))}
              set={(panel, step) => act({ do: "change", at, panel, step: step ? `${panel.id} ${step}` : "" })}
              duplicate={() => act({ do: "duplicate", at })}
              copyTo={() => setCopied(panel)}
              copy={() => copy(panel)}
              remove={() => {
                act({ do: "remove", at });
                say(`${panel.title} is removed. Undo brings it back.`);
              }}
              move={(to) => move(at, to)}
              resize={(size) => resize(at, size)}
              width={width}
              place={places[at]}
              handle={handle}
              arranging={arranging?.at === at ? arranging : null}
              mayEdit={mayEdit}
            />
          ))}
        </ol>
        {!panels.length && <p class="panel empty">{mayEdit ? "No panels yet. Add the first one below." : "No panels yet."}</p>}
        {mayEdit && (
          <div class="define" role="group" aria-label="Add a panel">
            {Object.entries(KINDS).map(([kind, title]) => (
              <button type="button" key={kind} onClick={() => add(kind)}>
                + {title}
              </button>
            ))}
          </div>
        )}
      </fieldset>
      <p class="spoken" role="status">
        {said}
      </p>
      {copiedTo && <CopyPanel title={copiedTo.title} from={shown.name} source={() => Promise.resolve(copied(copiedTo, shown.variables ?? NO_VARIABLES))} close={() => setCopied(null)} />}
    </div>
    </Variables.Provider>
    </Asking.Provider>
  );
}

/** A fault with the title of its panel. */
function refusal({ field, error }: Fault, panels: readonly Panel[]): string {
  const [, at] = /^panels\[(\d+)\]/.exec(field) ?? [];
  const title = at === undefined ? field : panels[Number(at)]?.title || field;
  return title ? `${title}: ${error}` : error;
}

/** What is wrong with one panel, by the place in it: as the service says it, and what it would leave out. */
function faultsAt(wrong: readonly Fault[], at: number, panel: Panel, metrics: readonly Metric[]): Map<string, Fault> {
  const start = `panels[${at}]`;
  const said = wrong.filter((fault) => fault.field === start || fault.field.startsWith(`${start}.`));
  const here = said.map((fault) => ({ ...fault, field: fault.field.slice(start.length + 1) }));
  return new Map([...unanswered(panel, metrics), ...here].map((fault) => [fault.field, fault]));
}

/** Undo, redo and save from wherever somebody types: a field's own undo knows nothing of the dashboard's. */
function useKeys(keys: { undo: () => void; redo: () => void; save: () => void }) {
  const newest = useRef(keys);
  newest.current = keys;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const key = event.key.toLowerCase();
      const wanted = key === "z" ? (event.shiftKey ? "redo" : "undo") : key === "y" ? "redo" : key === "s" ? "save" : null;
      if (!wanted) return;
      event.preventDefault();
      newest.current[wanted]();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}
