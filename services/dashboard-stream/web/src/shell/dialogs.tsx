/** The command palette and the list of shortcuts, over whatever page is shown; fetched when one of them is first needed. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { fetchMetrics, gatewayNow } from "../live/analytics.ts";
import { fetchHistory, fetchNotes } from "../live/notes.ts";
import type { InsightEvent } from "../model/board.ts";
import type { Dashboard } from "../model/catalogue.ts";
import type { Metric } from "../model/metrics.ts";
import { insightsAt, type Note } from "../model/notes.ts";
import { type Action, type Command, commandsOf, found } from "../model/palette.ts";
import { GO_TO, KEYS } from "../model/shortcuts.ts";
import type { Place } from "./navigation.tsx";
import type { Opened } from "./shortcuts.ts";

/** Older notes are found on the dashboards of their time. */
const NOTES_MS = 30 * 86_400_000;
/** What models said is read from the bus each time. */
const INSIGHTS_MS = 6 * 3_600_000;

interface Props {
  opened: Opened;
  places: readonly Place[];
  dashboards: readonly Dashboard[];
  go: (address: string) => void;
  act: (action: Action) => void;
  close: () => void;
}

export function Dialogs(props: Props) {
  if (props.opened === "palette") return <Palette {...props} />;
  return props.opened === "shortcuts" ? <Shortcuts close={props.close} /> : null;
}

function Palette({ places, dashboards, go, act, close }: Props) {
  const dialog = useOpen();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const [metrics, setMetrics] = useState<readonly Metric[]>([]);
  const [notes, setNotes] = useState<readonly Note[]>([]);
  const [insights, setInsights] = useState<readonly InsightEvent[]>([]);
  const [problems, setProblems] = useState<readonly string[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    const without = (what: string) => (error: unknown) => {
      if (!abort.signal.aborted) setProblems((before) => [...before, `${what} are not among these: ${error instanceof Error ? error.message : String(error)}`]);
    };
    const now = gatewayNow();
    fetchMetrics(abort.signal).then((answer) => setMetrics(answer.metrics), without("Metrics and services"));
    fetchNotes({ from: now - NOTES_MS, to: now }, abort.signal).then((answer) => setNotes(answer.notes), without("Notes"));
    fetchHistory({ from: now - INSIGHTS_MS, to: now }, abort.signal).then((answer) => setInsights(insightsAt(answer.insights, { from: now - INSIGHTS_MS }, now)), without("Deployments that nobody announced"));
    return () => abort.abort();
  }, []);
  const commands = useMemo(
    () => commandsOf({ pages: places, dashboards, metrics, notes, insights, path: location.pathname, query: location.search, now: gatewayNow() }),
    [places, dashboards, metrics, notes, insights],
  );
  const list = useMemo(() => found(commands, typed), [commands, typed]);
  const chosen = Math.min(at, list.length - 1);
  useEffect(() => {
    document.getElementById(`command-${chosen}`)?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const run = (command: Command | undefined) => {
    if (!command) return;
    close();
    if (command.action) act(command.action);
    else go(command.address);
  };
  const move = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setAt((chosen + step + list.length) % Math.max(list.length, 1));
    else if (event.key === "Enter") run(list[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog ref={dialog} class="palette" aria-label="Find" onClose={close} onClick={(event) => event.target === dialog.current && close()}>
      <input
        type="text"
        role="combobox"
        aria-label="Page, dashboard, time range, metric, service, note, deployment or trace id"
        aria-expanded="true"
        aria-controls="commands"
        aria-activedescendant={list.length ? `command-${chosen}` : undefined}
        aria-autocomplete="list"
        placeholder="Page, dashboard, time range, metric, service, note, deployment or trace id"
        autocomplete="off"
        spellcheck={false}
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={move}
      />
      <ul id="commands" role="listbox" aria-label="Found">
        {list.map((command, place) => (
          <li
            key={`${command.kind} ${command.title} ${command.about} ${command.address}`}
            id={`command-${place}`}
            role="option"
            aria-selected={place === chosen}
            onPointerMove={() => setAt(place)}
            onClick={() => run(command)}
          >
            <bdi>{command.title}</bdi> <small>{command.about}</small>
            <small class="kind">{command.kind}</small>
          </li>
        ))}
      </ul>
      <p class="muted" role="status">
        {list.length === 0 ? "Nothing has all of these words." : problems.join(" ")}
      </p>
    </dialog>
  );
}

function Shortcuts({ close }: { close: () => void }) {
  const dialog = useOpen();
  return (
    <dialog ref={dialog} class="shortcuts" aria-labelledby="shortcuts-title" onClose={close} onClick={(event) => event.target === dialog.current && close()}>
      <h2 id="shortcuts-title">Keyboard shortcuts</h2>
      <dl>
        {KEYS.map(({ keys, does }) => (
          <div key={does}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
        {GO_TO.map(({ key, title }) => (
          <div key={key}>
            <dt>
              <kbd>g</kbd> <kbd>{key}</kbd>
            </dt>
            <dd>{title}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={close}>
        Close
      </button>
    </dialog>
  );
}

/** A dialog that is open while it is there; the focus goes back to where it was. */
function useOpen() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return dialog;
}
