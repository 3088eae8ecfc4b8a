/** Asks the queries of a panel: what came of them, and why something of it is missing. */
import type { QueryPanel, StoredQuery } from "../model/contracts.ts";
import { zone } from "../model/format.ts";
import { areOnOneScale, nameOfQuery, questionOf, resolutionsOf, type Total, totalsOf, unitOfAnswer, widened } from "../model/stored-query.ts";
import { gatewayNow, NoAnswer } from "./analytics.ts";
import { type Answer, askTogether, type OneQuestion } from "./together.ts";

/** What came of the queries of a panel over one range. */
export interface Came {
  /** When it came. */
  at: number;
  from: number;
  to: number;
  resolution: string;
  /** That of the panel, or of its first query. */
  unit: string;
  /** Of each query its own; capsules from before this version have none. */
  units?: string[];
  totals: Total[];
  /** Of the period before, where one is compared with. */
  before: Total[] | null;
  /** Why something of it is missing, as sentences. */
  problems: string[];
}

/** `distance`: how many ms before it the period lies with which is compared; 0: none. */
export async function cameOf(panel: QueryPanel, range: { from: number; to: number }, distance: number, signal: AbortSignal): Promise<Came> {
  const how = panel.show ?? "line";
  const resolutions = resolutionsOf(panel, range.to - range.from);
  const asked = (bounds: { from: number; to: number }) =>
    panel.queries.map((query): OneQuestion => ({ question: questionOf(query, how), ...widened(bounds.from, bounds.to, resolutions[0]), resolutions, tz: zone() }));
  const answersTo = (questions: readonly OneQuestion[]) => Promise.allSettled(questions.map((one) => askTogether(one, signal)));
  const [now, then] = await Promise.all([answersTo(asked(range)), distance ? answersTo(asked({ from: range.from - distance, to: range.to - distance })) : []]);
  const problems: string[] = [];
  const found = now.flatMap((one, i): { query: StoredQuery; i: number; answer: Answer }[] => {
    const query = panel.queries[i] as StoredQuery;
    if (one.status === "fulfilled") return [{ query, i, answer: one.value }];
    if (!(one.reason instanceof NoAnswer)) throw one.reason;
    // What is refused of one query is said beside the others; a failure of all of them is the panel's.
    if (panel.queries.length === 1 || now.every(({ status }) => status === "rejected")) throw one.reason;
    problems.push(`${nameOfQuery(query)}: ${one.reason.message}`);
    return [];
  });
  for (const one of then) {
    if (one.status === "rejected" && found.length) problems.push(`The period before: ${one.reason instanceof Error ? one.reason.message : String(one.reason)}`);
  }
  const own = new Map(found.map(({ query, i, answer }) => [i, unitOfAnswer(query, answer.answer)]));
  const units = new Set(own.values());
  if (!panel.unit && units.size > 1 && areOnOneScale(how)) problems.push(`The queries have different units: ${[...units].map((unit) => unit || "none").join(", ")}.`);
  const totals = ({ query, i, answer }: (typeof found)[number]) => totalsOf(query, i, answer.answer, answer.service_names ?? {});
  const earlier = then.flatMap((one, i) => (one.status === "fulfilled" ? totals({ query: panel.queries[i] as StoredQuery, i, answer: one.value }) : []));
  return {
    at: gatewayNow(),
    ...range,
    resolution: found[0]?.answer.resolution ?? "",
    unit: panel.unit || ([...units][0] ?? ""),
    units: panel.queries.map((_, i) => panel.unit || (own.get(i) ?? "")),
    totals: found.flatMap(totals),
    before: distance ? earlier : null,
    problems: [...new Set(problems)],
  };
}
