/** Journeys of users as people ask for them, and what their numbers are called. Pure. */
import type { PathAnchor, PathEdge, PathGroup, PathNode, PathsAnswer, PathsQuery } from "./contracts.ts";
import { areComplete, bodies, conditionInWords, conditionsOf, countOf, filled, text, texts } from "./event-choice.ts";
import { percent } from "./explorer-choice.ts";
import { spent } from "./explorer.ts";
import { counted } from "./format.ts";
import { type Body, isBody, took, usersLink } from "./product.ts";
import { GAP_S } from "./sessions.ts";

/** The question without tenant and range; fields that are not known here are kept. */
export type JourneysQuestion = Omit<PathsQuery, "tenant" | "from" | "to" | "sample">;

export const STEPS = 5;
export const NODES = 10;
export const MOST_GROUPS = 50;
export const BY_TYPE = "event_type";
export const LATENCY = "duration_ms";

/** What an address or a document says, as a question. */
export function journeysOf(body: Body | null): JourneysQuestion {
  const { event_types, where, node, group, start, end, max_steps, collapse_repeats, window_s, gap_s, midnight, campaign, tz, latency, errors, limit, ...rest } = body ?? {};
  const [from, to] = [anchorOf(start), anchorOf(end)];
  return {
    ...rest,
    ...filled({
      event_types: texts(event_types),
      where: conditionsOf(where),
      node: text(node),
      group: bodies(group).map(groupOf),
      start: from,
      end: from ? undefined : to,
      max_steps: countOf(max_steps),
      window_s: countOf(window_s),
      gap_s: countOf(gap_s),
      midnight: midnight === true,
      campaign: campaign === true,
      tz: text(tz),
      limit: countOf(limit),
    }),
    ...(collapse_repeats === false ? { collapse_repeats } : {}),
    ...(errors === false ? { errors } : {}),
    ...(typeof latency === "string" && latency !== LATENCY ? { latency } : {}),
  };
}

function anchorOf(anchor: unknown): PathAnchor | undefined {
  if (!isBody(anchor)) return undefined;
  return { event_type: text(anchor["event_type"]), ...filled({ where: conditionsOf(anchor["where"]) }) };
}

function groupOf(group: Body): PathGroup {
  return { pattern: text(group["pattern"]), ...filled({ name: text(group["name"]) }) };
}

/** The question as it is sent: without what is empty or as from the start. `null`: the start, the end or a condition is not complete. */
export function completeJourneys(question: JourneysQuestion): JourneysQuestion | null {
  const { where, start, end, group = [], max_steps, gap_s, limit, node, tz, window_s, ...rest } = question;
  const anchor = start ?? end;
  if (!areComplete(where) || !areComplete(anchor?.where)) return null;
  if (anchor && !anchor.event_type && !anchor.where?.length) return null;
  const sent = (one: PathAnchor | null | undefined) => one && filled(one);
  return {
    ...rest,
    ...filled({
      where,
      start: sent(start),
      end: sent(end),
      group: group.filter(({ pattern }) => pattern),
      max_steps: max_steps === STEPS ? undefined : max_steps,
      gap_s: gap_s === GAP_S ? undefined : gap_s,
      window_s,
      limit: limit === NODES ? undefined : limit,
      node: node === BY_TYPE ? "" : node,
      tz: tz === "UTC" ? "" : tz,
    }),
  };
}

/** Where a step stands, seen from the start or the end of the paths: `step 2`, `2 before`. */
export function stepInWords(step: number): string {
  if (step < 0) return `${-step} before`;
  return step === 0 ? "start" : `step ${step}`;
}

/** What heads the column of a step. */
export function headOf(step: number, { start, end }: JourneysQuestion): string {
  const anchor = start ?? end;
  if (step === 0) return anchor ? anchorInWords(anchor) : "First step";
  return step < 0 ? `${counted(-step, "step")} before` : `${counted(step, "step")} later`;
}

export function anchorInWords({ event_type = "", where = [] }: PathAnchor): string {
  return [event_type, ...where.map(conditionInWords)].filter(Boolean).join(", ");
}

/** `40 paths of 36 users from page_view to feedback` */
export function edgeInWords(edge: PathEdge, nodes: readonly PathNode[]): string {
  const [from, to] = [nodes[edge.source]?.name ?? "", nodes[edge.target]?.name ?? ""];
  const facts = [counted(edge.count, "path"), counted(edge.users, "user"), `half within ${took(edge.median_ms)}`];
  if (typeof edge.latency_ms === "number") facts.push(`latency ${spent(edge.latency_ms)}`);
  if (typeof edge.error_rate === "number") facts.push(`${percent(edge.error_rate)} failed`);
  return `${from} → ${to}: ${facts.join(", ")}`;
}

/** Shares of failed events from which an edge is drawn as one that is in trouble. */
const SOME_ERRORS = 0.001;
const MANY_ERRORS = 0.05;

export function toneOf({ error_rate }: PathEdge): "" | "warn" | "bad" {
  const share = error_rate ?? 0;
  return share >= MANY_ERRORS ? "bad" : share >= SOME_ERRORS ? "warn" : "";
}

/** The users of a node, or of the edge from it to the node `next`; empty where nobody can be asked for: those of `other`. */
export function journeysUsersLink(question: JourneysQuestion, answer: Pick<PathsAnswer, "from" | "to">, node: PathNode, next?: PathNode): string {
  if (node.other || next?.other) return "";
  const { limit: _l, latency: _t, errors: _e, ...asked } = question;
  const { from, to } = answer;
  return usersLink({ of: "paths/users", question: { ...asked, from, to, step: node.step, name: node.name, ...(next ? { next_name: next.name } : {}) } });
}

/** `went from page_view (step 1) to feedback` */
export function journeysUsersInWords(body: Body): string {
  const { start, end } = journeysOf(body);
  const step = Number(body["step"]) || 0;
  const [name, next] = [text(body["name"]), text(body["next_name"])];
  const did = next ? `went from ${name} to ${next}` : `did ${name}`;
  const anchor = start ?? end;
  const place = anchor ? (step === 0 ? "" : `, ${counted(Math.abs(step), "step")} ${step < 0 ? "before" : "after"} ${anchorInWords(anchor)}`) : `, as step ${step + 1} of a path`;
  return did + place;
}

/** Whether paths are cut at this step, so that nobody knows how they went on. */
export function isCutAt({ step }: Pick<PathNode, "step">, { max_steps: steps = STEPS }: Pick<JourneysQuestion, "max_steps">): boolean {
  return Math.abs(step) >= steps - 1;
}

/** Of each node how many of its paths go no further, and how many begin there. */
export function endsOf({ nodes, edges }: Pick<PathsAnswer, "nodes" | "edges">): { begun: number; ended: number }[] {
  const sums = nodes.map(({ count }) => ({ begun: count, ended: count }));
  for (const { source, target, count } of edges) {
    const [from, to] = [sums[source], sums[target]];
    if (from) from.ended -= count;
    if (to) to.begun -= count;
  }
  return sums;
}
