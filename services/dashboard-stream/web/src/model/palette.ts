/** What the command palette finds: pages, dashboards, metrics, services, and a trace whose id is pasted. Pure. */
import type { Dashboard } from "./catalogue.ts";
import { EDITOR_PATH, editorAddress } from "./dashboards.ts";
import { COMPARE_PATH, ERRORS_PATH, linkTo, LOGS_PATH } from "./explorer-choice.ts";
import { MAP_PATH, TRACES_PATH } from "./explorer.ts";
import { METRICS_PATH } from "./metric-choice.ts";
import type { Metric } from "./metrics.ts";

export interface Command {
  /** What kind of thing it is: `Page`, `Dashboard`, `Metric`, `Service`, `Trace`. */
  kind: string;
  title: string;
  /** Further words that find it, and stand beside the title. */
  about: string;
  address: string;
}

/** More are not read by anybody. */
export const MOST_FOUND = 12;

const TRACE_ID = /^[0-9a-f]{32}$/;

/** Everything that can be gone to, the pages first. */
export function commandsOf(pages: readonly { title: string; path: string }[], dashboards: readonly Dashboard[], metrics: readonly Metric[]): Command[] {
  const named = new Set(dashboards.map((one) => one.path));
  const services = [...new Set(metrics.flatMap((one) => one.services ?? []))].sort();
  return [
    ...pages.filter((one) => !named.has(one.path)).map((one) => ({ kind: "Page", title: one.title, about: "", address: one.path })),
    { kind: "Page", title: "Compare two traces", about: "", address: COMPARE_PATH },
    { kind: "Page", title: "New dashboard", about: "", address: EDITOR_PATH },
    ...dashboards.map((one) => ({ kind: "Dashboard", title: one.title, about: one.description, address: one.path })),
    ...dashboards.filter((one) => one.own).map((one) => ({ kind: "Dashboard", title: `Edit ${one.title}`, about: "", address: editorAddress({ dashboard: one.name }) })),
    ...services.flatMap((service) => [
      { kind: "Service", title: service, about: "traces", address: linkTo(TRACES_PATH, { service }) },
      { kind: "Service", title: service, about: "on the service map", address: linkTo(MAP_PATH, { service }) },
      { kind: "Service", title: service, about: "errors", address: linkTo(ERRORS_PATH, { service }) },
      { kind: "Service", title: service, about: "logs", address: linkTo(LOGS_PATH, { service }) },
    ]),
    ...metrics.map((one) => ({ kind: "Metric", title: one.name, about: one.description, address: linkTo(METRICS_PATH, { metric: one.name }) })),
  ];
}

/** The commands that have every word of `typed`, the best first: words at the beginning of a title count most. */
export function found(commands: readonly Command[], typed: string): Command[] {
  const text = typed.trim().toLowerCase();
  const id = text.replace(/[\s-]/g, "");
  if (TRACE_ID.test(id)) return [{ kind: "Trace", title: `Trace ${id}`, about: "", address: linkTo(TRACES_PATH, { trace: id }) }];
  const words = text.split(/\s+/).filter(Boolean);
  return commands
    .map((command) => ({ command, rank: rankOf(command, words) }))
    .filter((one) => one.rank !== null)
    .sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0))
    .slice(0, MOST_FOUND)
    .map((one) => one.command);
}

/** The smaller, the better; `null`: a word is nowhere in it. */
function rankOf(command: Command, words: readonly string[]): number | null {
  const title = command.title.toLowerCase();
  const rest = `${command.kind} ${command.about}`.toLowerCase();
  let rank = 0;
  for (const word of words) {
    if (title === word) continue;
    if (title.startsWith(word)) rank += 1;
    else if (new RegExp(`[^\\p{L}\\p{N}]${escaped(word)}`, "u").test(title)) rank += 2;
    else if (title.includes(word)) rank += 4;
    else if (rest.includes(word)) rank += 8;
    else return null;
  }
  return rank;
}

function escaped(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
