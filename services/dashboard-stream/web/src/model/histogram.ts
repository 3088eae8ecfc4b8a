/** How values are spread, out of percentiles that are exact within 1 %: the share between two of them is known, within it they are taken to be even. Pure. */
import type { DataTable } from "./data-table.ts";

/** What is asked: 28 fields, in two sets of questions. */
export const FIELDS: readonly string[] = [
  "count",
  "min",
  ...[1, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 97, 98, 99, 99.5, 99.9].map((percent) => `p${percent}`),
  "max",
];

/** So many bars, and one for the slowest hundredth. */
const BARS = 24;
/** Where large values (p95) are so many times small ones (p5), bars are as wide as their values are large. */
const WIDE = 40;

export interface Bin {
  from: number;
  to: number;
  count: number;
}

export interface Histogram {
  bins: Bin[];
  count: number;
  p50: number;
  p95: number;
}

/** `null`: there are no values. */
export function histogramOf(totals: ReadonlyMap<string, number | null>): Histogram | null {
  const count = totals.get("count") ?? 0;
  const knots: [number, number][] = [];
  for (const field of FIELDS) {
    const value = totals.get(field);
    if (field === "count" || typeof value !== "number" || !Number.isFinite(value)) continue;
    const share = field === "min" ? 0 : field === "max" ? 1 : Number(field.slice(1)) / 100;
    // Each is within 1 %: neighbours may cross.
    knots.push([Math.max(value, knots.at(-1)?.[0] ?? -Infinity), share]);
  }
  const [first, last] = [knots[0], knots.at(-1)];
  if (count <= 0 || !first || !last) return null;
  const low = first[0];
  const high = knots.find(([, share]) => share >= 0.99)?.[0] ?? last[0];
  const [small, large] = [totals.get("p5") ?? low, totals.get("p95") ?? high];
  const widens = low > 0 && large / small > WIDE;
  const edges = Array.from({ length: BARS + 1 }, (_, i) => (widens ? low * (high / low) ** (i / BARS) : low + ((high - low) * i) / BARS));
  edges[BARS] = high;
  if (high <= low) edges.splice(1);
  if (last[0] > high || edges.length === 1) edges.push(last[0]);
  const bins: Bin[] = [];
  let before = 0;
  edges.slice(1).forEach((to, i) => {
    const until = i === edges.length - 2 ? 1 : below(knots, to);
    bins.push({ from: edges[i] as number, to, count: Math.max(0, until - before) * count });
    before = Math.max(before, until);
  });
  return { bins, count, p50: totals.get("p50") ?? low, p95: large };
}

/** The share of values that are at most `value`. */
function below(knots: readonly [number, number][], value: number): number {
  const next = knots.findIndex(([at]) => at > value);
  if (next < 0) return 1;
  const [from, share] = knots[next - 1] ?? [value, 0];
  const [to, more] = knots[next] as [number, number];
  return share + ((more - share) * (value - from)) / (to - from || 1);
}

export function rowsOfHistogram({ bins }: Histogram, unit: string): DataTable {
  return {
    columns: [
      { title: "From", unit, kind: "number" },
      { title: "To", unit, kind: "number" },
      { title: "Observations, about", unit: "", kind: "number" },
    ],
    rows: bins.map(({ from, to, count }) => [from, to, Math.round(count)]),
  };
}
