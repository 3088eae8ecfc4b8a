/**
 * What one dashboard shows, put together from its frames. Pure: no socket, no clock.
 *
 * A snapshot replaces everything; an update replaces all values, puts points into lines by their time, and keeps insights by
 * their key. Applying a frame twice changes nothing. Lines are bounded by {@link LENGTH}, insights by {@link INSIGHTS}.
 */
import type { Before } from "./compared.ts";
import type { Note } from "./notes.ts";
import type { AnomalyInsight, ChangeInsight, ForecastInsight, Frame, FunnelResult, IncidentInsight, Insight, RecommendationInsight } from "./contracts.ts";

/** Points of a line: more than the service keeps of any resolution. */
export const LENGTH = 1000;
export const INSIGHTS = 200;

/**
 * An insight as frames carry it: `series` is the line it is about, `key` what a later one replaces. Of incidents the service
 * keeps `since` (first reported), `gravest` (the highest severity so far) and `escalated_at` (when the severity rose last).
 * `service_name` is the name that the service in its labels was given, kept by {@link Board.take}.
 */
interface Carried {
  series: string;
  key: string;
  since?: number;
  gravest?: Insight["severity"];
  escalated_at?: number;
  service_name?: string | undefined;
}

export type AnomalyEvent = AnomalyInsight & Carried;
export type ForecastEvent = ForecastInsight & Carried;
/** What is about no single series: `series` is empty. */
export type NoteEvent = (IncidentInsight | RecommendationInsight | ChangeInsight) & Carried;
export type InsightEvent = AnomalyEvent | ForecastEvent | NoteEvent;

export interface Line {
  /** Starts of windows, in epoch ms, ascending. */
  t: number[];
  v: (number | null)[];
}

/** A range of time that does not move with each frame. `steps`: how far apart the points of a reading are; `whole`: values are those of all of it. */
export interface Range {
  from: number;
  to: number;
  steps: ReadonlyMap<string, string>;
  whole: boolean;
  /** Up to when it has been played, where it is. */
  played?: number;
  /** Not everything is answered yet: what is not has no step. */
  partial?: boolean;
  /** When it was asked for, the same for all parts of an answer. */
  asked?: number;
}

export class Board {
  /** What the lines are of; `null`: the last minutes, as frames bring them. */
  range: Range | null = null;
  /** The period before that it is compared with, once that is read. */
  before: Before | null = null;
  /** What people wrote about the time that is shown. */
  notes: readonly Note[] = [];
  epoch = "";
  seq = -1;
  /** The service's clock at the newest frame. */
  ts = 0;
  frames = 0;
  /** How often everything came anew: perhaps with other readings than before. */
  snapshots = 0;
  /** Frames that this page got only as part of a later one, because it was slow. */
  skipped = 0;
  values: Record<string, number | null> = {};
  /** Why the numbers are not current or leave something out, as sentences. */
  problems: readonly string[] = [];
  /** The names that services were given, by their tokens. */
  serviceNames: ReadonlyMap<string, string> = new Map();
  /** The newest results of the saved funnels that panels show, by name. */
  funnels: ReadonlyMap<string, FunnelResult> = new Map();
  lines = new Map<string, Line>();
  readonly insights = new Map<string, InsightEvent>();

  /** The numbers and insights of now, with the lines of `past`: for ranges longer than what frames carry. */
  over(past: Board): Board {
    const result = Object.assign(new Board(), this);
    result.lines = past.lines;
    result.range = past.range && { ...past.range, whole: false };
    result.epoch = `${this.epoch} ${past.epoch}`;
    return result;
  }

  /** The same with other insights. */
  saying(insights: Iterable<InsightEvent>): Board {
    return Object.assign(new Board(), this, { insights: new Map([...insights].map((one) => [one.key, one])) });
  }

  /** As it is now, whatever frames come later. */
  still(): Board {
    const result = Object.assign(new Board(), this, { insights: new Map(this.insights) });
    result.values = { ...this.values };
    result.lines = new Map([...this.lines].map(([name, { t, v }]) => [name, { t: [...t], v: [...v] }]));
    return result;
  }

  /** Takes a frame; `false` where it is an update of something this board does not have, and a new snapshot is needed. */
  take(frame: Frame): boolean {
    if (frame.type === "snapshot") {
      this.lines.clear();
      this.insights.clear();
      this.snapshots += 1;
    } else if (frame.epoch !== this.epoch || this.frames === 0) {
      return false;
    } else {
      this.skipped += Math.max(0, frame.seq - this.seq - 1);
    }
    this.epoch = frame.epoch;
    this.seq = frame.seq;
    this.ts = frame.ts;
    this.frames += 1;
    this.values = frame.data.values;
    this.problems = frame.data.problems ?? [];
    const before = frame.type === "snapshot" ? [] : this.funnels;
    this.funnels = new Map([...before, ...Object.entries(frame.data.funnels ?? {})]);
    for (const [name, points] of Object.entries(frame.data.series)) this.#put(name, points);
    for (const event of frame.data.events) if (isInsight(event)) this.insights.set(event.key, { ...event });
    this.serviceNames = new Map(Object.entries(frame.data.service_names ?? {}));
    for (const insight of this.insights.values()) insight.service_name = this.given("service", "labels" in insight ? insight.labels?.["service"] : undefined);
    this.#bound();
    return true;
  }

  /** The value `name`; `null` where it is not known now. */
  value(name: string): number | null {
    return this.values[name] ?? null;
  }

  /** The name that the service `value` was given, where `label` is one and it was. */
  given(label: string, value: string | undefined): string | undefined {
    return label === "service" && value !== undefined ? this.serviceNames.get(value) : undefined;
  }

  /** Values of `label` among the values and lines of `reading`, sorted. */
  labelValues(reading: string, label: string): string[] {
    const start = `${reading}{${label}=`;
    const result = new Set<string>();
    for (const name of Object.keys(this.values)) if (name.startsWith(start)) result.add(name.slice(start.length, -1));
    for (const name of this.lines.keys()) if (name.startsWith(start)) result.add(name.slice(start.length, -1));
    return [...result].sort();
  }

  #put(name: string, points: readonly (readonly [number, number | null])[]): void {
    let line = this.lines.get(name);
    if (!line) this.lines.set(name, (line = { t: [], v: [] }));
    for (const [at, value] of points) {
      const place = lowerBound(line.t, at);
      if (line.t[place] === at) line.v[place] = value;
      else {
        line.t.splice(place, 0, at);
        line.v.splice(place, 0, value);
      }
    }
    const over = line.t.length - LENGTH;
    if (over > 0) {
      line.t.splice(0, over);
      line.v.splice(0, over);
    }
  }

  #bound(): void {
    if (this.insights.size <= INSIGHTS) return;
    // Incidents that are over go first: what a series is in, and a week's forecast, are published rarely and still hold.
    const over = (event: InsightEvent) => Number(!("phase" in event) || event.phase !== "resolved");
    const first = [...this.insights.values()].sort((a, b) => over(a) - over(b) || a.at - b.at).slice(0, this.insights.size - INSIGHTS);
    for (const event of first) this.insights.delete(event.key);
  }
}

/** The first place in ascending `times` that is not before `at`. */
export function lowerBound(times: readonly number[], at: number): number {
  let low = 0;
  let high = times.length;
  if (high && (times[high - 1] as number) < at) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isInsight(event: object): event is InsightEvent {
  const { key, series, at, kind } = event as Partial<InsightEvent>;
  return typeof key === "string" && typeof series === "string" && typeof at === "number" && typeof kind === "string";
}
