/**
 * The spans of a trace as a tree beside their times. Of thousands of rows those in the window of the scroller are in the document, and
 * some more; every row has the same height. The tree has the focus, and its active row is named to screen readers (`aria-activedescendant`).
 */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { fetchSpansWith } from "../live/traces.ts";
import { spent } from "../model/explorer.ts";
import { plain } from "../model/format.ts";
import { foldable, hueOf, type Mark, matchesOf, nameOf, nextOf, opened, rowsOf, serviceOf, type Waterfall, windowOf } from "../model/waterfall.ts";
import { useChecked } from "./use-checked.ts";
import { usePhone } from "./use-phone.ts";
import { Minimap } from "./waterfall-map.tsx";
import "./waterfall.css";

const ROW = 28;
/** Two lines, and what a finger needs. */
const PHONE_ROW = 48;
/** Rows beyond the window, so that scrolling shows none that is empty. */
const MORE = 12;
/** Where a bar ends behind this share of the width, its duration stands in it. */
const INSIDE = 0.8;
const INDENT = 12;
const MOST_INDENTS = 12;
/** Of a text that is searched for: what the service takes. */
const MOST_CHARACTERS = 200;
/** From so many rows on the whole trace is drawn above them. */
const MAPPED = 60;

interface Props {
  tree: Waterfall;
  marks: ReadonlyMap<number, Mark[]>;
  /** The id of the span whose details are shown; empty: none. */
  chosen: string;
  choose: (span: string) => void;
}

export function WaterfallTree({ tree, marks, chosen, choose }: Props) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [pathOnly, setPathOnly] = useState(false);
  const [text, setText] = useState("");
  const [active, setActive] = useState(tree.places.get(chosen) ?? 0);
  const [seen, setSeen] = useState({ top: 0, height: 600 });
  const row = usePhone() ? PHONE_ROW : ROW;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => rowsOf(tree, closed, pathOnly), [tree, closed, pathOnly]);
  const searched = { trace: tree.outline.trace_id, text: text.trim() };
  const details = useChecked(searched, (asked, signal) => fetchSpansWith(asked.trace, asked.text, signal), { may: searched.text !== "" });
  const detailed = details.current ? details.checked : null;
  const matches = useMemo(() => matchesOf(tree, text, detailed?.span_ids), [tree, text, detailed]);
  const found = useMemo(() => new Set(matches), [matches]);
  const ids = tree.outline.span_ids;
  const position = rowAt(rows, active);
  const { first, last } = windowOf(seen.top, seen.height, row, rows.length, MORE);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    const look = () => setSeen({ top: element.scrollTop, height: element.clientHeight });
    look();
    const resized = new ResizeObserver(look);
    resized.observe(element);
    return () => resized.disconnect();
  }, []);

  const scrollTo = (place: number, among: readonly number[]) => {
    const element = scroller.current;
    const to = rowAt(among, place);
    if (!element || to < 0) return;
    if (to * row < element.scrollTop) element.scrollTop = to * row;
    else if ((to + 1) * row > element.scrollTop + element.clientHeight) element.scrollTop = (to + 1) * row - element.clientHeight;
  };
  const activate = (place: number) => {
    setActive(place);
    scrollTo(place, rows);
  };
  /** Shows a row wherever it is, with all that is above it. */
  const reveal = (place: number) => {
    if (place < 0) return;
    const next = opened(tree, closed, place);
    const all = pathOnly && !tree.critical.has(place) ? false : pathOnly;
    setClosed(next);
    setPathOnly(all);
    setActive(place);
    scrollTo(place, next === closed && all === pathOnly ? rows : rowsOf(tree, next, all));
  };
  const fold = (place: number, close: boolean) => {
    const next = new Set(closed);
    if (close) next.add(ids[place] ?? "");
    else next.delete(ids[place] ?? "");
    setClosed(next);
  };
  // A span that is chosen elsewhere, by the address or a name in the head, is shown.
  useEffect(() => {
    const place = tree.places.get(chosen);
    if (place !== undefined) reveal(place);
  }, [chosen]);

  const keyed = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(seen.height / row) - 1);
    const move = (to: number) => activate(rows[Math.min(rows.length - 1, Math.max(0, to))] ?? 0);
    const folded = closed.has(ids[active] ?? "");
    const below = (tree.below[active] ?? 0) > 0;
    switch (event.key) {
      case "ArrowDown":
        move(position + 1);
        break;
      case "ArrowUp":
        move(position - 1);
        break;
      case "PageDown":
        move(position + page);
        break;
      case "PageUp":
        move(position - page);
        break;
      case "Home":
        move(0);
        break;
      case "End":
        move(rows.length - 1);
        break;
      case "ArrowRight":
        if (below && folded) fold(active, false);
        else if (below) move(position + 1);
        break;
      case "ArrowLeft":
        if (below && !folded) fold(active, true);
        else if ((tree.parents[active] ?? -1) >= 0) activate(tree.parents[active] ?? 0);
        break;
      case "Enter":
      case " ":
        choose(chosen === ids[active] ? "" : (ids[active] ?? ""));
        break;
      case "Escape":
        if (!chosen) return;
        choose("");
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const entered = (event: KeyboardEvent) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    reveal(nextOf(matches, active, event.shiftKey));
  };
  const lane = marks.get(-1) ?? [];
  return (
    <>
      <div class="waterfall-tools">
        <label>
          <input type="search" size={24} aria-label="Search in these spans" placeholder="Name, attribute or error" maxLength={MOST_CHARACTERS} value={text} onInput={(event) => setText((event.target as HTMLInputElement).value)} onKeyDown={entered} />
        </label>
        <span class="muted" role="status">
          {searched.text && (matches.length ? `${matches.indexOf(active) + 1 || "–"} of ${plain(matches.length, "{span}")}` : details.current ? "none found" : "searching…")}
        </span>
        {details.why && searched.text && <span class="warn">Attributes were not searched: {details.why}</span>}
        <button type="button" disabled={!matches.length} onClick={() => reveal(nextOf(matches, active, true))}>
          Previous
        </button>
        <button type="button" disabled={!matches.length} onClick={() => reveal(nextOf(matches, active, false))}>
          Next
        </button>
        <button type="button" onClick={() => setClosed(closed.size ? new Set() : foldable(tree))}>
          {closed.size ? "Expand all" : "Collapse all"}
        </button>
        <button type="button" aria-pressed={pathOnly} onClick={() => setPathOnly(!pathOnly)}>
          Critical path only
        </button>
      </div>
      {tree.count >= MAPPED && (
        <Minimap
          tree={tree}
          rows={rows}
          top={seen.top / row}
          shown={seen.height / row}
          go={(to) => {
            if (scroller.current) scroller.current.scrollTop = to * row;
          }}
        />
      )}
      <div class="ruler" aria-hidden="true">
        <span />
        <span class="marks">
          {[0, 0.25, 0.5, 0.75, 1].map((share) => (
            <small key={share} style={{ insetInlineStart: `${share * 100}%` }}>
              {spent(share * tree.wholeMs)}
            </small>
          ))}
        </span>
      </div>
      {lane.length > 0 && (
        <div class="ruler lane" aria-hidden="true">
          <small>log records, events of the user</small>
          <Marks marks={lane} />
        </div>
      )}
      <div
        ref={scroller}
        class="rows"
        role="treegrid"
        aria-label="Spans: arrow keys move and fold, Enter shows a span"
        aria-rowcount={rows.length}
        aria-activedescendant={position >= 0 ? rowId(active) : undefined}
        tabIndex={0}
        dir="ltr"
        style={{ height: `${rows.length * row}px` }}
        onKeyDown={keyed}
        onScroll={(event) => {
          const { scrollTop: top, clientHeight: height } = event.currentTarget;
          setSeen({ top, height });
        }}
      >
        <div class="all-rows" role="rowgroup" style={{ height: `${rows.length * row}px` }}>
          {shownRows(rows, first, last, position).map((at) => (
            <Row
              key={ids[rows[at] ?? 0]}
              tree={tree}
              place={rows[at] ?? 0}
              at={at}
              top={at * row}
              height={row}
              marks={marks.get(rows[at] ?? 0)}
              active={rows[at] === active}
              chosen={ids[rows[at] ?? 0] === chosen}
              found={found.has(rows[at] ?? 0)}
              folded={closed.has(ids[rows[at] ?? 0] ?? "")}
              fold={fold}
              choose={(place) => {
                setActive(place);
                choose(chosen === ids[place] ? "" : (ids[place] ?? ""));
              }}
            />
          ))}
        </div>
      </div>
    </>
  );
}

interface RowProps {
  tree: Waterfall;
  place: number;
  at: number;
  top: number;
  height: number;
  marks: readonly Mark[] | undefined;
  active: boolean;
  chosen: boolean;
  found: boolean;
  folded: boolean;
  fold: (place: number, close: boolean) => void;
  choose: (place: number) => void;
}

function Row({ tree, place, at, top, height, marks, active, chosen, found, folded, fold, choose }: RowProps) {
  const name = nameOf(tree, place);
  const service = serviceOf(tree, place);
  const failed = tree.failed.has(place);
  const left = tree.left[place] ?? 0;
  const width = tree.width[place] ?? 0;
  const below = tree.below[place] ?? 0;
  const depth = tree.outline.depths[place] ?? 0;
  const took = spent(tree.outline.durations_ms[place] ?? 0);
  const inside = left + width > INSIDE;
  const said = `${service}: ${name}, ${took}${failed ? ", failed" : ""}`;
  const classes = ["line", active && "active", chosen && "open", found && "found"].filter(Boolean).join(" ");
  return (
    <div
      id={rowId(place)}
      role="row"
      class={classes}
      aria-rowindex={at + 1}
      aria-level={depth + 1}
      aria-expanded={below > 0 ? !folded : undefined}
      aria-selected={chosen}
      style={{ top: `${top}px`, height: `${height}px` }}
      aria-label={said}
      title={said}
      onClick={() => choose(place)}
    >
      <span role="gridcell" class="names" style={{ paddingInlineStart: `${Math.min(depth, MOST_INDENTS) * INDENT}px` }}>
        <span
          class="fold"
          aria-hidden="true"
          onClick={(event) => {
            if (!below) return;
            event.stopPropagation();
            fold(place, !folded);
          }}
        >
          {below > 0 && (folded ? "▸" : "▾")}
        </span>
        <span class={failed ? "name bad" : "name"}>
          <small>
            <bdi>{service}</bdi>
          </small>{" "}
          <bdi>{name}</bdi>
          {folded && below > 0 && <small> +{plain(below, "{span}")}</small>}
        </span>
      </span>
      <span role="gridcell" class="track">
        <span class={`span hue-${hueOf(tree, place)}${failed ? " failed" : ""}`} style={{ left: `${left * 100}%`, width: `max(2px, ${width * 100}%)` }} />
        {tree.critical.get(place)?.map((part) => (
          <span key={part.left} class={part.waiting ? "critical waiting" : "critical"} style={{ left: `${part.left * 100}%`, width: `max(1px, ${part.width * 100}%)` }} />
        ))}
        {marks && <Marks marks={marks} />}
        <small class={inside ? "inside" : ""} style={inside ? { right: `${(1 - left - width) * 100}%` } : { left: `${(left + width) * 100}%` }}>
          {took}
        </small>
      </span>
    </div>
  );
}

/** More marks than this on one row cannot be told apart. */
const MOST_MARKS = 200;

function Marks({ marks }: { marks: readonly Mark[] }) {
  return (
    <span class="moments" aria-hidden="true">
      {marks.slice(0, MOST_MARKS).map((mark, place) => (
        <span key={place} class={mark.bad ? "moment bad" : "moment"} style={{ left: `${mark.left * 100}%` }} title={mark.text} />
      ))}
    </span>
  );
}

/** The positions of rows in the document: those in the window, and the active one, which screen readers are told of. */
function shownRows(rows: readonly number[], first: number, last: number, active: number): number[] {
  const shown = rows.slice(first, last).map((_, at) => first + at);
  if (active >= 0 && (active < first || active >= last)) shown.push(active);
  return shown;
}

/** The position of a place among rows, which are in order; that of the nearest row before it where it is not shown. */
function rowAt(rows: readonly number[], place: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((rows[middle] ?? 0) <= place) low = middle;
    else high = middle - 1;
  }
  return rows.length ? low : -1;
}

function rowId(place: number): string {
  return `span-${place}`;
}
