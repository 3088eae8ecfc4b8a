/** One panel in the editor: as it would be drawn, where it would stand, with what can be done to it, and its form when it is chosen. */
import { useEffect, useRef } from "preact/hooks";
import type { Theme } from "../charts/palette.ts";
import type { Fault } from "../model/definition.ts";
import { isHidden, type Place, sizeOf, type Width } from "../model/layout.ts";
import type { Metric } from "../model/metrics.ts";
import type { Panel } from "../model/panels.ts";
import { Menu } from "../panels/menu.tsx";
import { Choice } from "../panels/choice.tsx";
import { ofKind, PanelForm } from "./panel-form.tsx";
import { PanelPreview } from "./panel-preview.tsx";
import { KINDS } from "./questions.ts";
import { type Arranging, cellStyle, type useArranging } from "./use-arranging.ts";
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
  copyTo: () => void;
  copy: () => void;
  remove: () => void;
  move: (to: number) => void;
  resize: (size: { columns?: number; rows?: number }) => void;
  /** The width of the page that is arranged, and where the panel stands there. */
  width: Width;
  place: Place | undefined;
  handle: ReturnType<typeof useArranging>[1];
  /** What is being done to it. */
  arranging: Arranging | null;
  mayEdit: boolean;
}

const STEPS: Readonly<Record<string, number>> = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 };

export function Card(props: Props) {
  const { panel, at, of, metrics, ask, theme, faults, open, toggle, set, duplicate, copyTo, copy, remove, move, resize, width, place, handle, arranging, mayEdit } = props;
  const title = panel.title || "without a title";
  const grip = useRef<HTMLButtonElement>(null);
  const moved = useRef(false);
  useEffect(() => {
    // The card stands elsewhere now, and whoever moves it by keys goes on doing so.
    if (moved.current) grip.current?.focus();
    moved.current = false;
  }, [at]);
  const isFixed = !open && !sizeOf(panel, width).deepens;
  const follows = arranging && "dx" in arranging ? { transform: `translate(${arranging.dx}px, ${arranging.dy}px)` } : {};
  const size = place ? `${place.columns} of 12 columns, ${place.rows === 1 ? "1 row" : `${place.rows} rows`}` : `hidden on ${width}s`;
  const resizedBy = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (step === undefined || !place) return;
    event.preventDefault();
    const isSideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
    const isMirrored = getComputedStyle(event.currentTarget as Element).direction === "rtl";
    resize(isSideways ? { columns: place.columns + (isMirrored ? -step : step) } : { rows: place.rows + step });
  };
  const items = [
    { title: "Duplicate", act: duplicate },
    { title: "Copy to a dashboard…", act: copyTo },
    { title: "Copy as JSON", act: copy },
    ...(at > 0 ? [{ title: "Move forward", act: () => move(at - 1) }] : []),
    ...(at < of - 1 ? [{ title: "Move back", act: () => move(at + 1) }] : []),
    { title: "Delete", act: remove },
  ];
  return (
    <li
      class={`card ${open ? "open" : ""} ${isFixed ? "fixed" : ""} ${isHidden(panel, width) ? "left-out" : ""} ${arranging ? ("dx" in arranging ? "dragged" : "resized") : ""}`}
      style={{ ...(place && cellStyle(place)), ...follows }}
      data-panel={at}
      aria-label={`${title}, ${at + 1} of ${of}`}
    >
      {mayEdit && (
        <div class="card-bar">
          <button
            ref={grip}
            type="button"
            class="grip"
            aria-label={`Move ${title}`}
            title="Drag, or press the arrow keys"
            {...handle("move", at)}
            onKeyDown={(event) => {
              const by = STEPS[event.key];
              if (by === undefined || at + by < 0 || at + by >= of) return;
              event.preventDefault();
              moved.current = true;
              move(at + by);
            }}
          >
            ⠿
          </button>
          <button type="button" aria-expanded={open} aria-label={`Edit ${title}`} onClick={toggle}>
            {open ? "Done" : "Edit"}
          </button>
          {faults.size > 0 && <span class="bad">{faults.size === 1 ? "1 fault" : `${faults.size} faults`}</span>}
          <Menu label={`Menu of ${title}`} items={items} />
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
      {mayEdit && !open && (
        <button type="button" class="size-handle" aria-label={`Resize ${title}: ${size}`} title="Drag, or press the arrow keys" {...handle("resize", at)} onKeyDown={resizedBy}>
          {arranging && "size" in arranging && place && <span aria-hidden="true">{`${place.columns} × ${place.rows}`}</span>}
        </button>
      )}
    </li>
  );
}
