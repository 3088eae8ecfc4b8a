/** What a reader does in one chart that holds for the page around it: lines that are hidden, and the range of time. */
import { createContext } from "preact";
import { useContext, useMemo, useState } from "preact/hooks";
import { lineKey, toggled } from "../model/shown-time.ts";

export interface Controls {
  /** Lines that are not drawn, as `lineKey` names them. */
  hidden: ReadonlySet<string>;
  /** Clicks come faster than drawings: each changes what the one before it has made. */
  hide: (change: (hidden: ReadonlySet<string>) => ReadonlySet<string>) => void;
  /** Makes a range that was drawn in a chart the page's. */
  select?: (from: number, to: number) => void;
  /** Leads back to the present; `null` where that is shown. */
  back?: (() => void) | null;
  /** Opens the note with this id, which was clicked in a chart. */
  open?: (note: string) => void;
}

/** `null` where the page keeps nothing: each chart does then. */
export const PageControls = createContext<Controls | null>(null);

/** Hides or shows `series`; `alone`: all others of the chart are hidden, or shown again. */
export type Toggle = (series: string, alone: boolean, all: readonly string[]) => void;

/** Which lines of `chart` are not drawn, by series, and how to change that. */
export function useHidden(chart: string): [ReadonlySet<string>, Toggle] {
  const page = useContext(PageControls);
  const [kept, keep] = useState<ReadonlySet<string>>(new Set());
  const all = page ? page.hidden : kept;
  const own = useMemo(() => {
    const start = lineKey(chart, "");
    return new Set([...all].flatMap((line) => (line.startsWith(start) ? [line.slice(start.length)] : [])));
  }, [all, chart]);
  const toggle: Toggle = (series, alone, lines) => {
    const change = (hidden: ReadonlySet<string>) => toggled(hidden, lineKey(chart, series), lines.map((one) => lineKey(chart, one)), alone);
    if (page) page.hide(change);
    else keep(change);
  };
  return [own, toggle];
}
