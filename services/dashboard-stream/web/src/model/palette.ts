/** What the command palette finds: pages, dashboards, ranges of time, metrics, services, notes, actions, and a trace whose id is pasted. Pure. */
import type { InsightEvent } from "./board.ts";
import type { Dashboard } from "./catalogue.ts";
import { COMPARISONS } from "./compared.ts";
import { EDITOR_PATH, editorAddress } from "./dashboards.ts";
import { BOTTLENECKS_PATH, COMPARE_PATH, ERRORS_PATH, INCIDENTS_PATH, linkTo, LOGS_PATH } from "./explorer-choice.ts";
import { MAP_PATH, TRACES_PATH } from "./explorer.ts";
import { dayAndTime } from "./format.ts";
import { METRICS_PATH } from "./metric-choice.ts";
import type { Metric } from "./metrics.ts";
import { type Annotation, annotationsOf, type Note } from "./notes.ts";
import { PRESETS } from "./range-words.ts";
import { iso, NOW, queryOf, type Shown, shownOf } from "./shown-time.ts";
import { TRACE_RANGES } from "./time-range.ts";

/** What is done without going anywhere. */
export type Action = "theme" | "kiosk" | "shortcuts" | "note";

export interface Command {
  /** What kind of thing it is: `Page`, `Dashboard`, `Time`, `Metric`, `Service`, `Note`, `Deployment`, `Action`, `Trace`. */
  kind: string;
  title: string;
  /** Further words that find it, and stand beside the title. */
  about: string;
  /** Where it leads; empty where it is an `action`. */
  address: string;
  action?: Action;
}

/** What there is to be found, and the page that is looked at, whose `query` begins with its `?`. */
export interface Findable {
  pages: readonly { title: string; path: string }[];
  dashboards: readonly Dashboard[];
  metrics: readonly Metric[];
  notes: readonly Note[];
  /** What models said of late; deployments that nobody announced are among it. */
  insights?: readonly InsightEvent[];
  path: string;
  query: string;
  now: number;
}

/** More are not read by anybody. */
export const MOST_FOUND = 12;

const TRACE_ID = /^[0-9a-f]{32}$/;
const REPLAY_SPEED = 60;
/** What is shown before and after a note. */
const AROUND_MS = 30 * 60_000;
const MOST_CHARACTERS = 80;

/** Pages that show a range of time which ends with the present. */
const RANGED: readonly string[] = [TRACES_PATH, MAP_PATH, ERRORS_PATH, LOGS_PATH, INCIDENTS_PATH, BOTTLENECKS_PATH];

/** Everything that can be gone to or done, the pages first. */
export function commandsOf({ pages, dashboards, metrics, notes, insights = [], path, query, now }: Findable): Command[] {
  const named = new Set(dashboards.map((one) => one.path));
  const services = [...new Set(metrics.flatMap((one) => one.services ?? []))].sort();
  // Elsewhere a range of time is that of the first dashboard.
  const shown = dashboards.find((one) => one.path === path);
  const timed = shown ?? dashboards[0];
  return [
    ...pages.filter((one) => !named.has(one.path)).map((one) => ({ kind: "Page", title: one.title, about: "", address: one.path })),
    { kind: "Page", title: "Compare two traces", about: "", address: COMPARE_PATH },
    ...dashboards.map((one) => ({ kind: "Dashboard", title: one.title, about: one.description, address: one.path })),
    { kind: "Action", title: "New dashboard", about: "", address: EDITOR_PATH },
    ...dashboards.map(({ name, title, own }) => ({ kind: "Action", title: own ? `Edit ${title}` : `Copy ${title}`, about: "dashboard", address: editorAddress(own ? { dashboard: name } : { copy: name }) })),
    ...(shown ? [{ kind: "Action", title: "Add a note", about: "or a deployment", address: "", action: "note" as const }] : []),
    { kind: "Action", title: "Change the theme", about: "dark, light", address: "", action: "theme" },
    { kind: "Action", title: "Kiosk", about: "for a screen on a wall, on and off", address: "", action: "kiosk" },
    ...(timed ? [{ kind: "Action", title: "Rotate dashboards", about: "kiosk, each for 30 s", address: `${timed.path}?kiosk=1&rotate=30s` }] : []),
    { kind: "Action", title: "Keyboard shortcuts", about: "", address: "", action: "shortcuts" },
    ...(timed ? timesOf(timed.path, shown ? query : "", now, shown ? "" : timed.title) : []),
    ...(RANGED.includes(path) ? TRACE_RANGES.map((one) => ({ kind: "Time", title: `Last ${one.title}`, about: "on this page", address: path + ranged(query, one.name) })) : []),
    ...services.flatMap((service) => [
      { kind: "Service", title: service, about: "traces", address: linkTo(TRACES_PATH, { service }) },
      { kind: "Service", title: service, about: "on the service map", address: linkTo(MAP_PATH, { service }) },
      { kind: "Service", title: service, about: "errors", address: linkTo(ERRORS_PATH, { service }) },
      { kind: "Service", title: service, about: "logs", address: linkTo(LOGS_PATH, { service }) },
    ]),
    ...metrics.map((one) => ({ kind: "Metric", title: one.name, about: one.description, address: linkTo(METRICS_PATH, { metric: one.name }) })),
    ...(timed ? notes.map((one) => noteOf(one, timed.path, now)) : []),
    ...(timed ? annotationsOf([], insights).map((one) => changeOf(one, timed.path, now)) : []),
  ];
}

/** The ranges of time of the dashboard at `path`, what they are compared with, and their replay; `about` says which one it is. */
function timesOf(path: string, query: string, now: number, about: string): Command[] {
  const shown = shownOf(query, now);
  const at = (changed: Partial<Shown>) => path + queryOf({ ...shown, ...changed }, query);
  const still = { paused: 0, replay: 0 };
  const hour = shown.to === NOW ? { from: "now-1h", to: NOW } : {};
  const command = (said: string, address: string): Command => ({ kind: "Time", title: said, about, address });
  return [
    ...PRESETS.map((one) => command(/^\d/.test(one.title) ? `Last ${one.title}` : one.title, at({ from: one.from, to: one.to, ...still }))),
    ...COMPARISONS.map((one) => command(`Compare with: ${one.title.toLowerCase()}`, at({ compare: one.name }))),
    ...(shown.compare ? [command("Stop comparing", at({ compare: null }))] : []),
    command(shown.to === NOW ? "Replay the last hour" : "Replay this range", at({ ...hour, ...still, replay: REPLAY_SPEED })),
    shown.paused || shown.to !== NOW ? command("Go on live", at({ ...(shown.to === NOW ? {} : { from: "now-5m", to: NOW }), ...still })) : command("Pause", at({ paused: now })),
    command(shown.utc ? "Times in the zone of this browser" : "Times in UTC", at({ utc: !shown.utc })),
  ];
}

/** The query of a page with another range of time. */
function ranged(query: string, range: string): string {
  const said = new URLSearchParams(query);
  for (const name of ["from", "to"]) said.delete(name);
  said.set("range", range);
  return `?${said}`;
}

function noteOf({ at, until, text, kind, tags }: Note, path: string, now: number): Command {
  const characters = [...(text.split("\n").find((line) => line.trim()) ?? "")];
  const title = characters.length > MOST_CHARACTERS ? `${characters.slice(0, MOST_CHARACTERS - 1).join("")}…` : characters.join("");
  return { kind: kind === "deployment" ? "Deployment" : "Note", title, about: [dayAndTime(at), ...(tags ?? [])].join(" · "), address: around(path, at, until ?? at, now) };
}

/** A change that was seen, not written down. */
function changeOf({ at, text: [first = "", said] }: Annotation, path: string, now: number): Command {
  const [kind = "", ...about] = first.split(" ");
  return { kind, title: about.join(" "), about: [dayAndTime(at), said].filter(Boolean).join(" · "), address: around(path, at, at, now) };
}

/** The dashboard at `path` at the time of something. */
function around(path: string, from: number, to: number, now: number): string {
  const bounds = { from: iso(from - AROUND_MS), to: iso(Math.max(from + 60_000, Math.min(now, to + AROUND_MS))) };
  return path + queryOf({ ...shownOf("", now), ...bounds });
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
