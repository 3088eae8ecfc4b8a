/** What every panel has around it: full screen, the same as a table and as files, what it shows in words, and its age where it is old. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { PictureOf } from "../charts/picture.ts";
import { csvOf, type DataTable, fileName } from "../model/data-table.ts";
import { isWide, type Placing } from "../model/layout.ts";
import { isOverTime, keyOf, type Panel } from "../model/panels.ts";
import { AsTable } from "./as-table.ts";
import type { CopyShown } from "./copy-panel.tsx";
import { DataView } from "./data-view.tsx";
import { download } from "./download.ts";
import { Explain } from "./explain.tsx";
import { Menu } from "./menu.tsx";
import { dataOf, type Drawn } from "./panel-data.ts";
import { RowsOf } from "./rows.ts";

const HAS_TABLE: ReadonlySet<Panel["kind"]> = new Set(["stat", "gauge", "time_series", "heatmap", "table", "bar", "pie", "events", "incidents", "query"]);

interface Props {
  panel: Panel;
  drawn: Drawn;
  /** Whether it is shown alone, and how to change that. */
  full: boolean;
  open: (full: boolean) => void;
  /** How old its numbers are, in words; `stale`: older than they should be. */
  age: string;
  stale: boolean;
  /** What numbers of the dashboard leave out. */
  missing: readonly string[];
  /** The dashboard that it is on, from whose document it is copied; a capsule has none. */
  dashboard?: string;
  /** Where it stands; nothing where style sheets alone say it. */
  placing?: Placing;
  children: ComponentChildren;
}

export function Frame({ panel, drawn, full, open, age, stale, missing, dashboard, placing, children }: Props) {
  const [asTable, setAsTable] = useState(false);
  const [explained, setExplained] = useState(false);
  const [said, setSaid] = useState("");
  const [copying, setCopying] = useState<{ Dialog: typeof CopyShown } | null>(null);
  const picture = useRef<(() => Promise<Blob>) | null>(null);
  const asked = useRef<(() => DataTable | null) | null>(null);
  const data = useEachSecond(asTable, () => dataOf(panel, drawn), `${drawn.board.epoch} ${Math.floor(drawn.now / 1000)} ${drawn.minutes}`);
  const drawnByPlotly = isOverTime(panel);
  const saveRows = () => {
    const rows = asked.current?.() ?? dataOf(panel, drawn);
    setSaid(rows ? "" : "There is nothing to save yet");
    if (rows) download(fileName(panel.title, "csv"), csvOf(rows), "text/csv;charset=utf-8");
  };
  const savePicture = async () => {
    try {
      if (picture.current) download(fileName(panel.title, "png"), await picture.current());
      setSaid("");
    } catch (error) {
      setSaid(`The picture was not made: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const openCopy = async () => {
    try {
      const { CopyShown } = await import("./copy-panel.tsx");
      setCopying({ Dialog: CopyShown });
    } catch {
      setSaid("The server is not responding");
    }
  };
  const items = [
    { title: full ? "Leave full screen" : "Full screen", key: "v", act: () => open(!full) },
    // Lists of what is stored are tables already.
    ...(HAS_TABLE.has(panel.kind) ? [{ title: asTable ? "Show as drawn" : "Show as table", act: () => setAsTable(!asTable) }] : []),
    ...(panel.kind === "text" || panel.kind === "forecast_scores" ? [] : [{ title: "Download CSV", act: saveRows }]),
    ...(drawnByPlotly && !asTable ? [{ title: "Download PNG", act: () => void savePicture() }] : []),
    ...(dashboard ? [{ title: "Copy to a dashboard…", act: () => void openCopy() }] : []),
    ...(panel.kind === "text" ? [] : [{ title: "Explain", act: () => setExplained(true) }]),
  ];
  return (
    <div class={`framed of-${panel.kind} ${isWide(panel) ? "of-wide" : ""} ${placing?.class ?? ""}`} style={placing?.style} data-frame={keyOf(panel)}>
      <PictureOf.Provider value={picture}>
        <RowsOf.Provider value={asked}>
          {/* What asks by itself goes on asking, and shows its rows itself. */}
          <AsTable.Provider value={asTable}>{asTable && data ? <DataView title={panel.title} data={data} /> : children}</AsTable.Provider>
        </RowsOf.Provider>
      </PictureOf.Provider>
      <Menu label={`Menu of ${panel.title}`} items={items} />
      {(stale || said) && (
        <p class="frame-note" role={said ? "alert" : undefined}>
          {said || age}
        </p>
      )}
      {copying && dashboard && <copying.Dialog title={panel.title} id={keyOf(panel)} from={dashboard} close={() => setCopying(null)} />}
      {explained && <Explain panel={panel} drawn={drawn} age={age} missing={missing} close={() => setExplained(false)} />}
    </div>
  );
}

/** What `make` gives, made again when `key` changes, and not at all unless `wanted`. */
function useEachSecond<T>(wanted: boolean, make: () => T, key: string): T | null {
  const kept = useRef<{ key: string; made: T } | null>(null);
  useEffect(() => {
    if (!wanted) kept.current = null;
  }, [wanted]);
  if (wanted && kept.current?.key !== key) kept.current = { key, made: make() };
  return wanted ? (kept.current?.made ?? null) : null;
}
