/**
 * A capsule: a dashboard over a range of time as one file, with everything that is needed to show it elsewhere. Pure.
 *
 * A file may come from anybody. What is in it is checked before it is shown: its version, its size, and every number that is drawn.
 * Texts are shown as they are written and are never markup.
 */
import { Board } from "./board.ts";
import { answerSize } from "./capsule-answers.ts";
import { wrongField } from "./capsule-panels.ts";
import type { Dashboard, Entry } from "./catalogue.ts";
import type { TraceAnswer } from "./contracts.ts";
import type { InsightVersion, Note } from "./notes.ts";
import { type Answered, boardOf, STEPS_MS } from "./past.ts";
import type { Bounds } from "./shown-time.ts";

/** Raised by one with each change that an earlier page cannot read. */
export const CAPSULE_VERSION = 1;
export const MOST_PACKED = 8 * 1024 * 1024;
export const MOST_BYTES = 64 * 1024 * 1024;
export const MOST_TRACES = 10;

const MOST_SERIES = 20_000;
const MOST_POINTS = 1_000;
/** More take longer to draw than somebody waits. */
const MOST_ALL_POINTS = 1_000_000;
const MOST_LIST = 2_000;
const MOST_DEPTH = 24;
const MOST_TEXT = 200_000;
const EARLIEST_MS = Date.UTC(1971, 0);
const LATEST_MS = Date.UTC(2100, 0);
const LONGEST_MS = 400 * 86_400_000;

export interface Capsule {
  drishti_capsule: number;
  made_at: number;
  from: number;
  to: number;
  dashboard: Dashboard;
  answers: CapsuleAnswers[];
  insights: InsightVersion[];
  notes: Note[];
  traces: TraceAnswer[];
  /** What panels of stored spans and numbers show, by their ids; files of before have none. */
  panels?: Record<string, unknown>;
  /** What is missing, as sentences. */
  problems: string[];
}

/** Answers to questions of one width of points; `questions` are readings by name, and the dimension by which they are split. */
export interface CapsuleAnswers {
  questions: { reading: string; label: string }[];
  resolution: string;
  answers: Answered["answers"];
  service_names: Record<string, string>;
}

/** Why a file is not shown, in words. */
export class CapsuleFault extends Error {}

export interface Gathered {
  answered: readonly Answered[];
  insights: readonly InsightVersion[];
  notes: readonly Note[];
  traces: readonly TraceAnswer[];
  panels?: Readonly<Record<string, unknown>>;
  problems: readonly string[];
}

export function capsuleOf(dashboard: Dashboard, { from, to }: Bounds, gathered: Gathered, at: number): Capsule {
  const answers = gathered.answered.map(({ wanted, answers, resolution, serviceNames }): CapsuleAnswers => ({
    questions: wanted.map(({ entry, label }) => ({ reading: entry.name, label })),
    resolution,
    answers,
    service_names: { ...serviceNames },
  }));
  const { insights, notes, traces, panels, problems } = gathered;
  return {
    drishti_capsule: CAPSULE_VERSION,
    made_at: Math.round(at),
    from: Math.round(from),
    to: Math.round(to),
    dashboard,
    answers,
    insights: insights.slice(-MOST_LIST),
    notes: notes.slice(0, MOST_LIST),
    traces: traces.slice(0, MOST_TRACES),
    panels: { ...panels },
    problems: [...problems],
  };
}

const TRACE_ID = /\b[0-9a-f]{32}\b/g;

/** The traces that insights name, the first ones first. */
export function citedTraces(insights: readonly InsightVersion[]): string[] {
  return [...new Set(JSON.stringify(insights).match(TRACE_ID) ?? [])].filter((id) => !/^0+$/.test(id)).slice(0, MOST_TRACES);
}

/** The capsule in `text`; raises {@link CapsuleFault}. */
export function readCapsule(text: string): Capsule {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new CapsuleFault("This file is no capsule: what is in it is no JSON.");
  }
  if (!isRecord(content) || !("drishti_capsule" in content)) throw new CapsuleFault("This file is no capsule: it does not say its version.");
  const version = content["drishti_capsule"];
  if (typeof version !== "number" || !Number.isInteger(version) || version < 1) throw new CapsuleFault("This file is no capsule: its version is no number.");
  if (version > CAPSULE_VERSION) throw new CapsuleFault(`This capsule has version ${version}, and this page reads up to ${CAPSULE_VERSION}: open it with a later Drishti.`);
  checkPlain(content, 0);
  const { from, to, made_at } = content;
  if (!instant(from) || !instant(to) || !instant(made_at) || from >= to || to - from > LONGEST_MS) wrong("its range of time is none");
  checkDashboard(content["dashboard"]);
  const sizes = list(content["answers"], "answers").map(checkAnswers);
  sizes.push(checkPanels(content["panels"] ?? {}, (content["dashboard"] as Fields)["panels"] as Fields[]));
  const whole = (of: keyof Size) => sizes.reduce((sum, one) => sum + one[of], 0);
  if (whole("lines") > MOST_SERIES) wrong("it has too many lines");
  if (whole("points") > MOST_ALL_POINTS) wrong(`it has more than ${MOST_ALL_POINTS.toLocaleString("en")} points`);
  for (const name of ["insights", "notes"]) {
    for (const one of list(content[name], name)) if (!isRecord(one) || !instant(one["at"])) wrong(`an entry of ${name} has no instant`);
  }
  for (const one of content["insights"] as Record<string, unknown>[]) {
    const named = ["key", "series", "kind"].every((field) => typeof one[field] === "string");
    if (!named || !instant(one["published_at"]) || !instant(one["last_at"])) wrong("an insight does not say what it is about, and when");
  }
  for (const one of content["notes"] as Record<string, unknown>[]) {
    const tags = one["tags"] ?? [];
    const fits = typeof one["text"] === "string" && typeof one["id"] === "string" && Array.isArray(tags) && tags.every((tag) => typeof tag === "string");
    if (!fits || (one["until"] !== undefined && !instant(one["until"]))) wrong("a note has no text");
  }
  if (list(content["traces"], "traces").length > MOST_TRACES) wrong(`it has more than ${MOST_TRACES} traces`);
  if (!list(content["problems"], "problems").every((one) => typeof one === "string")) wrong("its problems are no texts");
  return content as unknown as Capsule;
}

/** The board of the whole range of a capsule. */
export function boardOfCapsule(capsule: Capsule): Board {
  const entries = new Map(capsule.dashboard.series.map((entry) => [entry.name, entry]));
  const answered = capsule.answers.map(({ questions, answers, resolution, service_names }): Answered => {
    const known = questions.flatMap(({ reading, label }, i) => {
      const entry = entries.get(reading);
      return entry ? [{ wanted: { entry, label, question: { metric: entry.metric, aggregate: entry.field } }, answer: answers[i] ?? null }] : [];
    });
    return { wanted: known.map(({ wanted }) => wanted), answers: known.map(({ answer }) => answer), resolution, serviceNames: service_names };
  });
  const board = boardOf(answered, capsule, capsule.made_at, capsule.problems);
  board.notes = capsule.notes;
  return board;
}

/** What a capsule is called where it is stored: `checkout-2026-03-01T1430Z.capsule.json.gz`. */
export function capsuleName({ dashboard, from }: Pick<Capsule, "dashboard" | "from">): string {
  return `${dashboard.name}-${new Date(from).toISOString().slice(0, 16).replace(":", "")}Z.capsule.json.gz`;
}

function wrong(why: string): never {
  throw new CapsuleFault(`This capsule is damaged: ${why}.`);
}

type Fields = Record<string, unknown>;

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function instant(value: unknown): value is number {
  return typeof value === "number" && value >= EARLIEST_MS && value <= LATEST_MS;
}

function list(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value)) wrong(`it has no ${name}`);
  if (value.length > MOST_LIST) wrong(`it has more than ${MOST_LIST} ${name}`);
  return value;
}

/** No text is endless, nothing is nested without end, and no name is one that JavaScript takes for something else. */
function checkPlain(value: unknown, depth: number): void {
  if (depth > MOST_DEPTH) wrong("it is nested too deeply");
  if (typeof value === "string" && value.length > MOST_TEXT) wrong("a text in it is too long");
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const one of value) checkPlain(one, depth + 1);
    return;
  }
  for (const [name, one] of Object.entries(value)) {
    if (name === "__proto__" || name.length > MOST_TEXT) wrong("it has a name that no field has");
    checkPlain(one, depth + 1);
  }
}

function checkDashboard(value: unknown): void {
  if (!isRecord(value)) wrong("it has no dashboard");
  if (!["name", "title", "description"].every((field) => typeof value[field] === "string")) wrong("its dashboard has no name");
  if (!/^[a-z0-9_-]{1,64}$/.test(value["name"] as string)) wrong("its dashboard has no name");
  for (const panel of list(value["panels"], "panels")) {
    if (!isRecord(panel) || typeof panel["kind"] !== "string" || typeof panel["title"] !== "string") wrong("a panel has no title");
    const field = wrongField(panel);
    if (field) wrong(`a panel has something else where its ${field} is`);
  }
  for (const name of ["series", "values"]) for (const entry of list(value[name], name)) checkEntry(entry);
}

function checkEntry(value: unknown): asserts value is Entry & Fields {
  if (!isRecord(value)) wrong("a reading of its dashboard is none");
  if (!["name", "metric", "field", "unit"].every((field) => typeof value[field] === "string")) wrong("a reading of its dashboard has no name");
  const labels = value["labels"];
  if (!Array.isArray(labels) || !labels.every((label) => typeof label === "string")) wrong("a reading of its dashboard has no dimensions");
}

interface Size {
  lines: number;
  points: number;
}

function checkPanels(value: unknown, panels: readonly Fields[]): Size {
  if (!isRecord(value)) wrong("its answers to panels are none");
  const known = new Map(panels.map((panel) => [String(panel["id"] ?? panel["title"]), panel]));
  let points = 0;
  for (const [id, answer] of Object.entries(value)) {
    const panel = known.get(id);
    const size = panel ? answerSize(panel, answer) : null;
    if (size === null) wrong(`what panel ${id.slice(0, 64)} shows is not as its kind has it`);
    points += size;
  }
  return { lines: 0, points };
}

function checkAnswers(value: unknown): Size {
  if (!isRecord(value) || typeof value["resolution"] !== "string" || !Object.hasOwn(STEPS_MS, value["resolution"])) wrong("its points have no width");
  for (const question of list(value["questions"], "questions")) {
    if (!isRecord(question) || typeof question["reading"] !== "string" || typeof question["label"] !== "string") wrong("a question has no reading");
  }
  const names = value["service_names"];
  if (!isRecord(names) || !Object.values(names).every((name) => typeof name === "string")) wrong("its names of services are none");
  const size: Size = { lines: 0, points: 0 };
  for (const answer of list(value["answers"], "answers")) {
    if (answer === null) continue;
    if (!isRecord(answer)) wrong("an answer is none");
    for (const series of list(answer["series"], "series")) {
      size.lines += 1;
      if (!isRecord(series) || !number(series["total"]) || !isRecord(series["labels"])) wrong("a line has no number");
      if (!Object.values(series["labels"]).every((label) => typeof label === "string")) wrong("a line has no labels");
      const points = list(series["points"], "points");
      if (points.length > MOST_POINTS) wrong(`a line has more than ${MOST_POINTS} points`);
      let before = -Infinity;
      for (const point of points) {
        if (!Array.isArray(point) || point.length !== 2 || !instant(point[0]) || point[0] <= before || !number(point[1])) wrong("a point is none");
        before = point[0];
      }
      size.points += points.length;
    }
  }
  return size;
}

function number(value: unknown): boolean {
  return value === null || (typeof value === "number" && Number.isFinite(value));
}
