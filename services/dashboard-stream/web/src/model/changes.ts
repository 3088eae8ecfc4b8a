/** What changed of late, the newest first: deployments and notes, errors that are new, incidents that began or ended. Pure. */
import { sentence } from "./anomaly.ts";
import type { InsightEvent } from "./board.ts";
import type { ErrorGroup } from "./contracts.ts";
import { causeLink, ERRORS_PATH, INCIDENTS_PATH, linkTo } from "./explorer-choice.ts";
import { whole } from "./format.ts";
import { isOpen, type Incident } from "./incidents.ts";
import { annotationsOf, type Note } from "./notes.ts";

export interface Change {
  at: number;
  /** `Deployment` or another change, `Note`, `New error`, `Incident`, `Incident resolved`. */
  kind: string;
  text: string;
  address: string;
}

export function changesOf(notes: readonly Note[], insights: readonly InsightEvent[], errors: readonly ErrorGroup[], groups: readonly (readonly Incident[])[], from: number, now: number): Change[] {
  const marked = annotationsOf(notes, insights).map(({ at, text }): Change => {
    const [first = "", ...rest] = text;
    const [kind = "", ...about] = first.split(" ");
    // What a deployment that nobody announced says names service and version again.
    const named = about.length > 0 && !about.every((word) => rest.some((line) => line.includes(word)));
    return { at, kind, text: [named ? about.join(" ") : "", ...rest].filter(Boolean).join(": "), address: "" };
  });
  const found = errors
    .filter((one) => one.first_seen_ms >= from)
    .map((one): Change => ({ at: one.first_seen_ms, kind: "New error", text: one.title, address: linkTo(ERRORS_PATH, { range: "24h", error: one.fingerprint }) }));
  const troubles = groups.flatMap((group): Change[] => {
    const [first] = group;
    if (!first) return [];
    const since = Math.min(...group.map((one) => one.since));
    const until = Math.max(...group.map((one) => one.until));
    const more = group.length > 1 ? ` and ${whole(group.length - 1)} more` : "";
    const began = { at: since, kind: "Incident", text: sentence(first.insight, !first.open) + more, address: causeLink(since, until, now) };
    if (isOpen(group)) return [began];
    return [began, { at: until, kind: "Incident resolved", text: sentence(first.insight, true) + more, address: INCIDENTS_PATH }];
  });
  return [...marked, ...found, ...troubles].filter((one) => one.at >= from && one.at <= now).sort((a, b) => b.at - a.at);
}
