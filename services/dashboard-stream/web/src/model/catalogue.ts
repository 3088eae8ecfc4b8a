/** What the service says about its dashboards: their names, titles, and what can appear in their frames, with units. */
import type { LabelFilter } from "./contracts.ts";
import { RATIOS } from "./fields.ts";
import type { Panel } from "./panels.ts";
import type { ChosenVariable } from "./variables.ts";

export interface Entry {
  name: string;
  metric: string;
  field: string;
  unit: string;
  labels: string[];
  total: boolean;
  /** Of a metric that is not built in: the name that people gave it. */
  title?: string;
  kind?: string;
  /** Whether the field is a part of a whole that the metric itself names. */
  ratio?: boolean;
  /** Of a KPI: which way is good, and its limits. */
  direction?: "up" | "down";
  target?: number;
  warn?: number;
  bad?: number;
  /** Where it is of some values of dimensions only. */
  filters?: LabelFilter[];
  /** Whether frames carry it; else it is read from what is stored. */
  live?: boolean;
  resolution?: string;
  span?: string;
  /** Of a value without a span: the seconds that it is computed over. */
  window_s?: number;
}

export interface Dashboard {
  name: string;
  title: string;
  description: string;
  path: string;
  ws: string;
  /** Whether the tenant made it; else it is one that everybody has. */
  own?: boolean;
  /** 0 where it cannot be changed. */
  revision?: number;
  /** When it was stored last, where that is known: epoch ms. */
  changed_at?: number;
  /** What can be chosen above the panels, with what is. */
  variables?: ChosenVariable[];
  panels: Panel[];
  series: Entry[];
  values: Entry[];
  /** By metric, of all that its panels are about. */
  units?: Readonly<Record<string, string>>;
  /** Titles of panels that are not shown, with the metrics that there are not yet. */
  left_out?: Readonly<Record<string, readonly string[]>>;
}

/** Fields that are a part of a whole: never more than all of it. */
export function isShare(field: string): boolean {
  return RATIOS.has(field);
}

/** The same of a reading, whose metric may name shares of its own. */
export function isShareOf(entry: Entry): boolean {
  return isShare(entry.field) || entry.ratio === true || entry.unit === "share";
}

/**
 * `unit` as it is shown: what the semantic conventions of OpenTelemetry call a utilization is in percent. Unlike a share it may be more
 * than all of it: of one core, say.
 */
export function shownUnit(metric: string, unit: string): string {
  return unit === "1" && /(^|[._-])utilization$/.test(metric) ? "utilization" : unit;
}

/** Of how many, not of how much: their unit is the metric's own only where the metric counts. */
const COUNTS = new Set(["count", "errors", "rate"]);

/** Units and windows by reading, and units by metric for what insights are about. */
export class Units {
  readonly #readings = new Map<string, string>();
  readonly #metrics = new Map<string, string>();
  readonly #windows = new Map<string, number>();
  readonly #measured = new Map<string, string>();

  constructor(dashboard: Dashboard) {
    for (const [metric, unit] of Object.entries(dashboard.units ?? {})) this.#metrics.set(metric, shownUnit(metric, unit));
    for (const entry of [...dashboard.series, ...dashboard.values]) {
      if (entry.window_s !== undefined) this.#windows.set(entry.name, entry.window_s);
      this.#measured.set(entry.name, entry.metric);
      const unit = shownUnit(entry.metric, entry.unit);
      this.#readings.set(entry.name, isShareOf(entry) ? "share" : unit);
      if (!isShareOf(entry) && !(COUNTS.has(entry.field) && this.#metrics.has(entry.metric)))
        this.#metrics.set(entry.metric, unit.replace(/\/s$/, ""));
    }
  }

  /** The seconds that the value of `reading` is computed over; `null` where its span says it. */
  windowOf(reading: string): number | null {
    return this.#windows.get(reading) ?? null;
  }

  /** The metric of `reading`. */
  metricOf(reading: string): string {
    return this.#measured.get(reading) ?? "";
  }

  of(reading: string): string {
    return this.#readings.get(reading) ?? "";
  }

  /** The unit of any `field` of `metric`, also of one that no reading shows. */
  ofField(metric: string, field: string): string {
    if (RATIOS.has(field)) return "share";
    const unit = this.#metrics.get(metric) ?? "";
    return field === "rate" || field === "sum_rate" ? `${unit}/s` : unit;
  }
}
