/** The command palette (Ctrl K) and the list of shortcuts (?), over whatever page is shown. */
import { createContext } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { fetchMetrics } from "../live/analytics.ts";
import type { Dashboard } from "../model/catalogue.ts";
import type { Metric } from "../model/metrics.ts";
import { type Command, commandsOf, found } from "../model/palette.ts";
import { GO_TO, KEYS, PAIR_MS } from "../model/shortcuts.ts";
import type { Place } from "./navigation.tsx";

/** Opens the palette: for the button of the header. */
export const OpenPalette = createContext<() => void>(() => {});

export type Opened = "palette" | "shortcuts" | null;

/** What the keyboard opened; `go` is called where a pair of keys names a page, `kiosk` by its key. */
export function useShortcuts(go: (address: string) => void, kiosk: () => void): [Opened, (opened: Opened) => void] {
  const [opened, setOpened] = useState<Opened>(null);
  const first = useRef(0);
  const does = useRef({ go, kiosk });
  does.current = { go, kiosk };
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setOpened("palette");
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyped(event.target) || document.querySelector("dialog[open]")) return;
      const pair = performance.now() - first.current < PAIR_MS ? GO_TO.find((one) => one.key === event.key) : undefined;
      first.current = event.key === "g" ? performance.now() : 0;
      if (pair) does.current.go(pair.path);
      else if (event.key === "?") setOpened("shortcuts");
      else if (event.key === "k") does.current.kiosk();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
  return [opened, setOpened];
}

function isTyped(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}

interface Props {
  places: readonly Place[];
  dashboards: readonly Dashboard[];
  go: (address: string) => void;
  close: () => void;
}

export function Palette({ places, dashboards, go, close }: Props) {
  const dialog = useOpen();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const [metrics, setMetrics] = useState<readonly Metric[]>([]);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    fetchMetrics(abort.signal).then(
      (answer) => setMetrics(answer.metrics),
      (error: unknown) => {
        if (!abort.signal.aborted) setProblem(`Metrics and services are not among these: ${error instanceof Error ? error.message : String(error)}`);
      },
    );
    return () => abort.abort();
  }, []);
  const commands = useMemo(() => commandsOf(places, dashboards, metrics), [places, dashboards, metrics]);
  const list = useMemo(() => found(commands, typed), [commands, typed]);
  const chosen = Math.min(at, list.length - 1);
  useEffect(() => {
    document.getElementById(`command-${chosen}`)?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const run = (command: Command | undefined) => {
    if (!command) return;
    close();
    go(command.address);
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
        aria-label="Page, dashboard, metric, service or trace id"
        aria-expanded="true"
        aria-controls="commands"
        aria-activedescendant={list.length ? `command-${chosen}` : undefined}
        aria-autocomplete="list"
        placeholder="Page, dashboard, metric, service or trace id"
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
            key={`${command.kind} ${command.address}`}
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
        {list.length === 0 ? "Nothing has all of these words." : problem}
      </p>
    </dialog>
  );
}

export function Shortcuts({ close }: { close: () => void }) {
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
