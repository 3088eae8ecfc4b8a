/** The board of what a dashboard shows, wherever its numbers come from: frames, frames with a longer past, a still, or stored answers. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import { gatewayNow } from "../live/analytics.ts";
import type { Live } from "../live/live.ts";
import { ageInWords, ageMs, type Status, status } from "../live/status.ts";
import { type Asked, wordOf } from "../model/asked.ts";
import { Board } from "../model/board.ts";
import type { Dashboard } from "../model/catalogue.ts";
import type { Before } from "../model/compared.ts";
import { duration, time } from "../model/format.ts";
import { type InsightVersion, insightsAt, type Note } from "../model/notes.ts";
import { insightsWithin } from "../model/past.ts";
import { frameAt } from "../model/replay.ts";
import { type Bounds, boundsOf, follows, NOW, type Shown } from "../model/shown-time.ts";
import { useLive } from "./hooks.ts";
import type { Notes } from "../live/notes.ts";
import { useCompared } from "./use-compared.ts";
import { useHistory, useNotes } from "./use-notes.ts";
import { isLive, loading, usePast } from "./use-past.ts";

export interface ShownBoard {
  live: Live;
  board: Board;
  /** What it is compared with, and how that stands; `null`: with nothing. */
  compared: Asked<Before> | null;
  /** What people wrote about it; the second asks again. */
  notes: Asked<Notes>;
  askNotes: () => void;
  /** Why what models said is not all there. */
  problem: string;
  /** The time at which the board is seen: the present, or the end of the range. */
  now: number;
  bounds: Bounds;
  status: Status;
  /** Whether numbers and insights of a past range are there. */
  ready: boolean;
  /** How old it is, in words. */
  age: string;
  /** The failure of a question, where there was one. */
  failure: Asked<Board>["failure"];
  /** Asks again, or tries to connect at once. */
  retry: () => void;
  /** Keeps what is shown as it is; the time to be named in the address. */
  pause: () => number;
}

/** `choice`: what the address chooses for variables, with its `?`; `cursor`: up to when a past range has been played, where it is. */
export function useShown(dashboardName: string, choice: string, dashboard: Dashboard | null, shown: Shown, cursor: number | null = null): ShownBoard {
  const name = encodeURIComponent(dashboardName) + choice;
  const frozen = useRef<{ name: string; at: number; board: Board } | null>(null);
  const still = shown.paused && frozen.current?.name === name && frozen.current.at === shown.paused ? frozen.current.board : null;
  const following = follows(shown);
  const live = useLive(name, !following);
  const present = live.now();
  const past = usePast(dashboard, shown, !still && !isLive(shown, present));
  const { asked } = past;
  const bounds = boundsOf(shown, present);
  const ownNumbers = still !== null || isLive(shown, present);
  const compared = useCompared(dashboard, shown, ownNumbers ? undefined : asked.value);
  const told = useHistory(shown, !ownNumbers);
  const versions = told.value?.insights;
  const [notes, askNotes] = useNotes(shown);
  const known = live.board.insights.size;
  // The past is drawn with the anomalies of its time.
  const stored = useMemo(() => {
    if (!asked.value?.range) return null;
    const { range } = asked.value;
    return asked.value.saying(versions ? insightsAt(versions, range, range.to) : insightsWithin(live.board.insights.values(), range));
  }, [asked.value, known, live, versions]);
  useEffect(() => {
    if (following) frozen.current = null;
  }, [following]);

  const waiting = past.part ?? loading(shown, present);
  const plain = still ?? (isLive(shown, present) ? live.board : following ? withEarlier(live.board.over(asked.value ?? waiting), versions, bounds) : (stored ?? waiting));
  const played = useMemo(() => (cursor !== null && asked.value?.range ? frameAt(asked.value, versions ?? NO_VERSIONS, cursor) : null), [asked.value, versions, cursor]);
  const all = notes.value?.notes ?? NO_NOTES;
  const part = played?.range?.played;
  const beside = {
    before: part === undefined ? (compared?.value ?? null) : null,
    notes: part === undefined ? all : all.filter((note) => note.at <= part),
  };
  const seen = played ?? plain;
  const board = beside.before || beside.notes.length ? Object.assign(new Board(), seen, beside) : seen;
  const feed = following ? status(live.link, live.board, live.heardMs(), Date.now()) : null;
  return {
    live,
    board,
    compared,
    notes,
    askNotes,
    problem: told.value?.problem || (told.failure ? `anomalies and incidents of this range: ${told.failure.why}` : ""),
    now: following ? present : (part ?? bounds.to),
    ready: asked.value !== null && (told.value !== null || told.failure !== null),
    bounds,
    status: still ? PAUSED : feed && (feed.word !== "live" || isLive(shown, present)) ? feed : statusOf(asked, past.everyMs, shown),
    age: following
      ? ageInWords(live.board.frames ? ageMs(live.board, live.heardMs()) : null)
      : cursor !== null && cursor < bounds.to
        ? `at ${time(cursor)}`
        : shown.paused
        ? `at ${time(shown.paused)}`
        : `ended ${duration(present - Math.min(bounds.to, present))} ago`,
    failure: asked.failure,
    retry: feed && feed.word !== "live" ? () => live.retry() : past.again,
    pause: () => {
      const at = Math.round(live.now());
      frozen.current = isLive(shown, at) ? { name, at, board: live.board.still() } : null;
      return at;
    },
  };
}

const NO_VERSIONS: readonly InsightVersion[] = [];
const NO_NOTES: readonly Note[] = [];

/** A long range that ends now has the insights of now, and those before that frames do not carry any more. */
function withEarlier(board: Board, versions: readonly InsightVersion[] | undefined, bounds: Bounds): Board {
  if (!versions?.length) return board;
  return board.saying([...insightsAt(versions, bounds, bounds.to), ...board.insights.values()]);
}

const PAUSED: Status = { word: "paused", tone: "quiet", why: "" };

/** How what was asked for stands. */
function statusOf(asked: Asked<Board>, everyMs: number, shown: Shown): Status {
  const why = asked.failure?.why ?? "";
  switch (wordOf(asked, gatewayNow(), everyMs)) {
    case "loading":
      return { word: "loading", tone: "quiet", why: "" };
    case "failed":
      return { word: "not there", tone: "bad", why: `This range cannot be read: ${why}` };
    case "stale":
      return { word: "stale", tone: "warn", why: why && `This range was not read again: ${why}` };
    default: {
      const problems = asked.value?.problems ?? [];
      if (problems.length) return { word: "incomplete", tone: "warn", why: `Not shown: ${problems.join("; ")}.` };
      if (shown.replay) return { word: "replay", tone: "quiet", why: "" };
      if (shown.paused) return PAUSED;
      return shown.to === NOW ? { word: "live", tone: "good", why: "" } : { word: "past", tone: "quiet", why: "" };
    }
  }
}
