/** A panel that is neither a number of now nor goes over time, by its kind. */
import type { Board } from "../model/board.ts";
import type { Units } from "../model/catalogue.ts";
import type { Sections } from "../model/panels.ts";
import { Bars } from "./bars.tsx";
import { Shares } from "./shares.tsx";
import { Table } from "./table.tsx";
import { TextPanel } from "./text-panel.tsx";

export function ListPanel({ panel, board, units, now }: { panel: Sections["lists"][number]; board: Board; units: Units; now: number }) {
  switch (panel.kind) {
    case "table":
      return <Table table={panel} board={board} units={units} now={now} />;
    case "bar":
      return <Bars panel={panel} board={board} units={units} />;
    case "pie":
      return <Shares panel={panel} board={board} units={units} />;
    case "text":
      return <TextPanel panel={panel} />;
  }
}
