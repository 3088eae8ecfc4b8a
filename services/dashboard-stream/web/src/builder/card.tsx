/** One panel in the editor: as it would be drawn, with what can be done to it, and its form when it is chosen. */
import { useEffect, useRef } from "preact/hooks";
import type { Theme } from "../charts/palette.ts";
import type { Fault } from "../model/definition.ts";
import type { Metric } from "../model/metrics.ts";
import type { Panel } from "../model/panels.ts";
import { Choice } from "./choice.tsx";
import { ofKind, PanelForm } from "./panel-form.tsx";
import { PanelPreview } from "./panel-preview.tsx";
import { KINDS } from "./questions.ts";
import type { Drag, useDrag } from "./use-drag.ts";
import type { Ask } from "../panels/use-values.ts";

interface Props {
  panel: Panel;
  at: number;
  of: number;
  metrics: readonly Metric[];
  ask: Ask;
  theme: Theme;
  faults: ReadonlyMap<string, Fault>;
  open: boolean;
  toggle: () => void;
  set: (panel: Panel, step?: string) => void;
  duplicate: () => void;
  remove: () => void;
  move: (to: number) => void;
  handle: ReturnType<ReturnType<typeof useDrag>[1]>;
  drag: Drag | null;
  mayEdit: boolean;
}

const KEYS: Readonly<Record<string, number>> = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 };

export function Card({ panel, at, of, metrics, ask, theme, faults, open, toggle, set, duplicate, remove, move, handle, drag, mayEdit }: Props) {
  const title = panel.title || "without a title";
  const grip = useRef<HTMLButtonElement>(null);
  const moved = useRef(false);
  useEffect(() => {
    // The card stands elsewhere now, and whoever moves it by keys goes on doing so.
    if (moved.current) grip.current?.focus();
    moved.current = false;
  }, [at]);
  const place = drag && drag.from === at ? "dragged" : drag && drag.to === at ? (drag.from < at ? "drop-after" : "drop-before") : "";
  return (
    <li class={`card of-${panel.kind} ${open ? "open" : ""} ${place}`} data-panel={at} aria-label={`${title}, ${at + 1} of ${of}`}>
      {mayEdit && (
        <div class="card-bar">
          <button
            ref={grip}
            type="button"
            class="grip"
            aria-label={`Move ${title}`}
            title="Drag, or press the arrow keys"
            {...handle}
            onKeyDown={(event) => {
              const by = KEYS[event.key];
              if (by === undefined || at + by < 0 || at + by >= of) return;
              event.preventDefault();
              moved.current = true;
              move(at + by);
            }}
          >
            ⠿
          </button>
          <button type="button" disabled={at === 0} aria-label={`Move ${title} forward`} onClick={() => move(at - 1)}>
            ↑
          </button>
          <button type="button" disabled={at === of - 1} aria-label={`Move ${title} back`} onClick={() => move(at + 1)}>
            ↓
          </button>
          {faults.size > 0 && <span class="bad">{faults.size === 1 ? "1 fault" : `${faults.size} faults`}</span>}
          <span class="rest" />
          <button type="button" aria-expanded={open} aria-label={`Edit ${title}`} onClick={toggle}>
            {open ? "Done" : "Edit"}
          </button>
          <button type="button" aria-label={`Duplicate ${title}`} onClick={duplicate}>
            Duplicate
          </button>
          <button type="button" aria-label={`Delete ${title}`} onClick={remove}>
            Delete
          </button>
        </div>
      )}
      <div class="card-body">
        <PanelPreview panel={panel} metrics={metrics} ask={ask} theme={theme} />
        {open && (
          <div>
            <Choice title="Kind" value={panel.kind} values={panel.kind in KINDS ? Object.keys(KINDS) : [panel.kind, ...Object.keys(KINDS)]} words={(kind) => KINDS[kind] ?? kind} set={(kind) => set(ofKind(panel, kind, metrics))} />
            <PanelForm key={panel.kind} panel={panel} metrics={metrics} faults={faults} set={set} />
          </div>
        )}
      </div>
    </li>
  );
}
