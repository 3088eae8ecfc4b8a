/** A trace as a waterfall: where each span lies, what is below it, and which rows are shown. Pure. */
import type { FoundRecord, OutlineAnswer, UserEvent } from "./contracts.ts";
import { said } from "./explorer.ts";

/** A part of a bar, as shares of the width. */
export interface Section {
  left: number;
  width: number;
  waiting: boolean;
}

/** Something that happened at a moment: a log record, or an event of the user. */
export interface Mark {
  left: number;
  text: string;
  /** Where something is wrong. */
  bad: boolean;
}

/** Spans by their place in the order of a tree, parents first; places on the width are shares of it. */
export interface Waterfall {
  outline: OutlineAnswer;
  count: number;
  /** The place of each span's parent, -1 for roots; how many spans are below it. */
  parents: Int32Array;
  below: Int32Array;
  left: Float64Array;
  width: Float64Array;
  /** What failed, with what its status says. */
  failed: ReadonlyMap<number, string>;
  critical: ReadonlyMap<number, Section[]>;
  /** From the first start to the last end, and how long that is. */
  startMs: number;
  wholeMs: number;
  places: ReadonlyMap<string, number>;
}

const HUES = 8;
/** Log records from this severity on are drawn as trouble. */
const ERROR_SEVERITY = 17;
const TEXT = 160;

export function waterfallOf(outline: OutlineAnswer): Waterfall {
  const count = outline.span_ids.length;
  const parents = new Int32Array(count);
  const below = new Int32Array(count);
  const above: number[] = [];
  let first = 0;
  let last = 1e-6;
  for (let place = 0; place < count; place++) {
    const depth = at(outline.depths, place);
    above.length = depth;
    parents[place] = depth > 0 ? (above[depth - 1] ?? -1) : -1;
    above[depth] = place;
    const start = at(outline.starts_ms, place);
    first = Math.min(first, start);
    last = Math.max(last, start + at(outline.durations_ms, place));
  }
  for (let place = count - 1; place > 0; place--) {
    const parent = parents[place] ?? -1;
    if (parent >= 0) below[parent] = (below[parent] ?? 0) + (below[place] ?? 0) + 1;
  }
  const whole = last - first;
  const left = Float64Array.from(outline.starts_ms, (start) => (start - first) / whole);
  const width = Float64Array.from(outline.durations_ms, (duration) => duration / whole);
  const critical = new Map<number, Section[]>();
  const path = outline.critical_path;
  path.places.forEach((place, section) => {
    const from = at(path.from_ms, section);
    const part = { left: (from - first) / whole, width: (at(path.to_ms, section) - from) / whole, waiting: at(path.waiting, section) > 0 };
    const held = critical.get(place);
    if (held) held.push(part);
    else critical.set(place, [part]);
  });
  return {
    outline,
    count,
    parents,
    below,
    left,
    width,
    failed: new Map(outline.failed.map((one) => [one.place, one.message ?? ""])),
    critical,
    startMs: outline.start_ms + first,
    wholeMs: whole,
    places: new Map(outline.span_ids.map((id, place) => [id, place])),
  };
}

export function nameOf({ outline }: Waterfall, place: number): string {
  return outline.names[at(outline.of_name, place)] ?? "";
}

/** The service's token, and the name that it was given. */
export function serviceOf({ outline }: Waterfall, place: number): string {
  const token = outline.services[at(outline.of_service, place)] ?? "";
  return outline.service_names?.[token] ?? token;
}

export function hueOf({ outline }: Waterfall, place: number): number {
  return at(outline.of_service, place) % HUES;
}

/** The places of the rows that are shown: not those below a span in `closed`, and with `critical` those alone that the trace waited for, with all above them. */
export function rowsOf(tree: Waterfall, closed: ReadonlySet<string>, critical: boolean): number[] {
  const kept = critical ? onPath(tree) : null;
  const rows: number[] = [];
  for (let place = 0; place < tree.count; place++) {
    if (kept && !kept[place]) continue;
    rows.push(place);
    const below = tree.below[place] ?? 0;
    if (below > 0 && closed.has(tree.outline.span_ids[place] ?? "")) place += below;
  }
  return rows;
}

function onPath(tree: Waterfall): Uint8Array {
  const kept = new Uint8Array(tree.count);
  for (const place of tree.critical.keys()) {
    for (let one = place; one >= 0 && !kept[one]; one = tree.parents[one] ?? -1) kept[one] = 1;
  }
  return kept;
}

/** The ids of all spans with spans below them. */
export function foldable(tree: Waterfall): Set<string> {
  return new Set(tree.outline.span_ids.filter((_, place) => (tree.below[place] ?? 0) > 0));
}

/** `closed` without the spans above `place`, so that it is shown. */
export function opened(tree: Waterfall, closed: ReadonlySet<string>, place: number): ReadonlySet<string> {
  let next: Set<string> | null = null;
  for (let one = tree.parents[place] ?? -1; one >= 0; one = tree.parents[one] ?? -1) {
    const id = tree.outline.span_ids[one] ?? "";
    if (closed.has(id)) (next ??= new Set(closed)).delete(id);
  }
  return next ?? closed;
}

/**
 * The places of spans in whose name, service or message `text` is, in capitals or not, and of those with the ids `detailed`, in
 * whose attributes it was found; `error` alone finds all that failed, too.
 */
export function matchesOf(tree: Waterfall, text: string, detailed: readonly string[] = []): number[] {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const besides = new Set(detailed);
  const { outline, failed } = tree;
  const named = outline.names.map((name) => name.toLowerCase().includes(wanted));
  const served = outline.services.map((token) => token.includes(wanted) || (outline.service_names?.[token] ?? "").toLowerCase().includes(wanted));
  const found: number[] = [];
  for (let place = 0; place < tree.count; place++) {
    if (
      named[at(outline.of_name, place)] ||
      served[at(outline.of_service, place)] ||
      (failed.has(place) && ("error failed".includes(wanted) || failed.get(place)?.toLowerCase().includes(wanted))) ||
      outline.span_ids[place] === wanted ||
      besides.has(outline.span_ids[place] ?? "")
    ) {
      found.push(place);
    }
  }
  return found;
}

/** The match after `from`, or before it, in the order of the tree; round the end. */
export function nextOf(matches: readonly number[], from: number, back: boolean): number {
  if (back) return matches.findLast((place) => place < from) ?? matches.at(-1) ?? -1;
  return matches.find((place) => place > from) ?? matches[0] ?? -1;
}

/** The spans that the trace waited for the longest, the longest first. */
export function slowestOf({ outline }: Waterfall, most: number): number[] {
  return outline.self_ms
    .map((_, place) => place)
    .filter((place) => at(outline.self_ms, place) > 0)
    .sort((a, b) => at(outline.self_ms, b) - at(outline.self_ms, a))
    .slice(0, most);
}

/** Log records by the place of their span (`-1`: of none that is shown), and events of the user while the trace ran. */
export function marksOf(tree: Waterfall, records: readonly FoundRecord[], events: readonly UserEvent[]): Map<number, Mark[]> {
  const marks = new Map<number, Mark[]>();
  const add = (place: number, time: number, text: string, bad: boolean) => {
    const left = (time - tree.startMs) / tree.wholeMs;
    // A record may come a little after its span has ended, by another clock.
    if (left < -0.01 || left > 1.01) return;
    const mark = { left: Math.min(1, Math.max(0, left)), text: text.slice(0, TEXT), bad };
    const held = marks.get(place);
    if (held) held.push(mark);
    else marks.set(place, [mark]);
  };
  for (const record of records) {
    add(tree.places.get(record.span_id ?? "") ?? -1, Date.parse(record.time), `log: ${said(record.body ?? record.event_name ?? "")}`, (record.severity_number ?? 0) >= ERROR_SEVERITY);
  }
  for (const event of events) add(-1, event.time_ms, `event: ${event.event_type}`, false);
  return marks;
}

/** Which rows of a height are in the window of a scroller, with `more` on both sides. */
export function windowOf(top: number, height: number, row: number, count: number, more: number): { first: number; last: number } {
  const first = Math.max(0, Math.floor(top / row) - more);
  return { first: Math.min(first, count), last: Math.min(count, Math.ceil((top + height) / row) + more) };
}

function at(column: readonly number[], place: number): number {
  return column[place] ?? 0;
}
