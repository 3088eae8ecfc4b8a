/** How the values of a distribution are spread: counted in ranges, each as many times as wide as the one below it. Pure. */
import type { QuestionAnswer } from "./contracts.ts";
import type { DataTable } from "./data-table.ts";

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
  /** When each step begins, with its count in each of the bins. */
  steps: [number, number[]][];
}

/** The answers that ask for the median with bins, and for p95; `null`: there are no values. */
export function histogramOf(median: QuestionAnswer | undefined, p95: QuestionAnswer | undefined): Histogram | null {
  const [series, edges] = [median?.series[0], median?.edges ?? []];
  const counts = series?.counts ?? [];
  if (!series || typeof series.total !== "number" || counts.length === 0) return null;
  const bins = counts.map((count, i) => ({ from: edges[i] as number, to: edges[i + 1] as number, count }));
  const large = p95?.series[0]?.total;
  return { bins, count: counts.reduce((sum, one) => sum + one, 0), p50: series.total, p95: typeof large === "number" ? large : (edges.at(-1) as number), steps: series.counts_by_step ?? [] };
}

/** For a table and a file: a row for each range, of a heat map for each step. */
export function rowsOfHistogram({ bins, steps }: Histogram, unit: string, say: (value: number) => string, overTime = false): DataTable {
  if (overTime) {
    return {
      columns: [{ title: "Time", unit: "", kind: "time" }, ...bins.map(({ from, to }) => ({ title: `${say(from)} to ${say(to)}`, unit: "", kind: "number" as const }))],
      rows: [...steps].reverse().map(([at, counts]) => [at, ...counts]),
    };
  }
  return {
    columns: [
      { title: "From", unit, kind: "number" },
      { title: "To", unit, kind: "number" },
      { title: "Observations", unit: "", kind: "number" },
    ],
    rows: bins.map(({ from, to, count }) => [from, to, count]),
  };
}
