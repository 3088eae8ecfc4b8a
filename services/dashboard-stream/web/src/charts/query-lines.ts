/** The answers to the queries of a panel as the lines of one chart. Pure. */
import type { Entry } from "../model/catalogue.ts";
import type { StoredQuery } from "../model/contracts.ts";
import { nameOfQuery, type Total } from "../model/stored-query.ts";
import { type ChartLine, type ChartLines, MOST_LINES, weight } from "./chart-lines.ts";
import { type Drawn, drawn, SAFE_COLOURS, slots, stepOf } from "./lines.ts";

interface Shown {
  queries: readonly StoredQuery[];
  totals: readonly Total[];
  /** The same of the period before, whose times are `offset` earlier. */
  before: readonly Total[] | null;
  offset: number;
  resolution: string;
  unit: string;
  from: number;
  now: number;
}

export function linesOfTotals({ queries, totals, before, offset, resolution, unit, from, now }: Shown): ChartLines {
  const keys = totals.map(keyOf);
  const chosen = slots(keys);
  const grouped = totals.some((total) => total.group);
  const lines = totals.map((total, i): ChartLine => {
    const query = queries[total.query] as StoredQuery;
    const entry: Entry = { name: keyOf(total), metric: query.metric ?? "", field: query.aggregate ?? "", unit, labels: [], total: !total.group, resolution: spacingOf(total, resolution) };
    const slot = total.others || (grouped && !total.group) ? -1 : grouped ? (chosen.get(keys[i] as string) ?? 0) : i;
    const name = queries.length > 1 || !total.group ? nameOfQuery(query) : "";
    const earlier = before?.find((one) => keyOf(one) === keys[i]);
    return {
      series: keyOf(total),
      title: [name, total.group].filter(Boolean).join(": "),
      tooltip: total.others ? "the groups that are not drawn by themselves, together" : total.tooltip,
      entry,
      last: total.series.total,
      slot,
      dashed: slot >= SAFE_COLOURS,
      points: pointsOf(total, entry, 0, from, now),
      ...(before ? { before: earlier ? pointsOf(earlier, entry, offset, from, now + stepOf(entry)) : { x: [], y: [] }, compared: { now: total.series.total, then: earlier?.series.total ?? null } } : {}),
    };
  });
  const seen = lines.filter((line) => line.points.x.length || line.before?.x.length).sort((a, b) => weight(b) - weight(a));
  const kept = new Set(seen.slice(0, Math.max(MOST_LINES, queries.length)));
  return { lines: lines.filter((line) => kept.has(line)).sort((a, b) => Number(a.slot < 0) - Number(b.slot < 0)), more: seen.length - kept.size, from, now };
}

/** What names a line, whatever other lines there are: its query, and its group. */
function keyOf(total: Total): string {
  return `${total.query} ${Object.entries(total.labels).flat().join("\n")}`;
}

function pointsOf({ series }: Total, entry: Entry, offset: number, from: number, now: number): Drawn {
  return drawn({ t: series.points.map(([at]) => at + offset), v: series.points.map(([, value]) => value) }, entry, from - stepOf(entry) + 1, now);
}

/** How far apart the points are: what somebody sends once a minute has none between, and a line of it no gap there. */
function spacingOf({ series }: Total, resolution: string): string {
  let least = Infinity;
  for (let i = 1; i < series.points.length; i++) least = Math.min(least, (series.points[i]?.[0] ?? 0) - (series.points[i - 1]?.[0] ?? 0));
  const step = stepOf({ resolution } as Entry);
  return least > step && least < Infinity ? `${least / 1_000}s` : resolution;
}
