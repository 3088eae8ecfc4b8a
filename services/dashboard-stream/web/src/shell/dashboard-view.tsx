/** The frame around a dashboard: header with navigation and state, the numbers of the time that is shown, and what is left out. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Delays } from "../live/paint-delays.ts";
import { missing } from "../live/status.ts";
import { type Controls, PageControls } from "../charts/controls.ts";
import type { Theme } from "../charts/palette.ts";
import { loadPlotly } from "../charts/plot.ts";
import type { Board } from "../model/board.ts";
import type { Dashboard } from "../model/catalogue.ts";
import { showTimesIn, time, whole, zone } from "../model/format.ts";
import { incidents, isOpen, together } from "../model/incidents.ts";
import { withSpaces } from "../model/names.ts";
import { comparedTitle, rangeTitle } from "../model/range-words.ts";
import { withChoice } from "../model/variables.ts";
import { boundsOf, FIRST, follows, iso, LEAST_MS, NOW, queryOf, type Shown, shownOf } from "../model/shown-time.ts";
import { DashboardPage } from "../pages/dashboard.tsx";
import { Asking } from "../panels/use-values.ts";
import { VariablesBar } from "../panels/variables-bar.tsx";
import { ASK } from "./ask.ts";
import { Banner, KeyForm } from "./banner.tsx";
import { DASHBOARDS_PATH, editorAddress } from "../model/dashboards.ts";
import { ofUsers } from "../model/own-services.ts";
import { Header, type Place } from "./header.tsx";
import { ComparedNote } from "./compared-note.tsx";
import { type Go, pageAt } from "./hooks.ts";
import { NotesSection } from "./notes-section.tsx";
import { usePageTitle } from "./page-title.ts";
import { ReplayBar } from "./replay-bar.tsx";
import { SaveCapsule } from "./save-capsule.tsx";
import { TimeControls } from "./time-controls.tsx";
import { useDashboard } from "./use-dashboard.ts";
import { type Replay, useReplay } from "./use-replay.ts";
import { useShown } from "./use-shown.ts";

const MINUTE_MS = 60_000;
/** How often the tab is looked through for incidents that are over since nothing more was said of them. */
const TITLE_MS = 5_000;

// Charts come with the first frame: what draws them is fetched beside it.
if (pageAt(location.pathname) === null) void loadPlotly();

interface Props {
  name: string;
  /** Of the address, with its `?`: what is shown. */
  query: string;
  /** `null` until the service has answered. */
  catalogue: Dashboard[] | null;
  /** Reads the catalogue again: a tenant's own metrics may be others by now. */
  readAgain: () => void;
  places: Place[];
  go: Go;
  theme: Theme;
}

export function DashboardView({ name, query, catalogue, readAgain, places, go, theme }: Props) {
  const shown = useMemo(() => shownOf(query, Date.now()), [query]);
  showTimesIn(shown);
  useEffect(() => () => showTimesIn(FIRST), []);
  const { dashboard, missing: isMissing, choice, again } = useDashboard(name, query, catalogue);
  const replay = useReplay(shown);
  const { live, board, compared, notes, askNotes, problem, ready, now, bounds, status, age, failure, retry, pause } = useShown(name, choice, dashboard, shown, playedUntil(replay));
  if (replay) replay.hold.current = !ready;

  // A new range is a step to go back from; what is done to the same one is not.
  const show = (changed: Partial<Shown>) => {
    const step = changed.from !== undefined || changed.to !== undefined;
    // The address is newer than this drawing where two things are done at once.
    const newest = shownOf(location.search, Date.now());
    go(location.pathname + queryOf({ ...newest, ...changed }, location.search), { replace: !step, stay: true });
  };
  // What is played is the same after a reload, at another speed and for whoever gets the link.
  const isFixed = !shown.replay || queryOf(shown, query) === query;
  useEffect(() => {
    if (!isFixed) show({});
  }, [isFixed]);
  const lastLive = useRef(FIRST.from);
  if (follows(shown)) lastLive.current = shown.from;
  const back = shown.to === NOW && !replay ? null : () => show({ from: lastLive.current, to: NOW, paused: 0, replay: 0 });
  const [openNote, setOpenNote] = useState("");
  const controls = useMemo<Controls>(
    () => ({
      hidden: shown.hidden,
      hide: (change) => show({ hidden: change(shownOf(location.search, Date.now()).hidden) }),
      // A range that was drawn into the forecast ends with the present.
      select: (from, to) => show({ from: iso(Math.min(from, live.now() - LEAST_MS)), to: iso(Math.min(to, live.now())), paused: 0, replay: 0 }),
      back,
      open: setOpenNote,
    }),
    [query, name, live],
  );
  // One panel alone is a step to go back from, too.
  const only = new URLSearchParams(query).get("panel") ?? "";
  const showOnly = (panel: string) => {
    const said = new URLSearchParams(location.search);
    if (panel) said.set("panel", panel);
    else said.delete("panel");
    go(location.pathname + queryOf(shownOf(location.search, Date.now()), `?${said}`));
  };
  useEscape(only ? () => showOnly("") : back);

  const title = dashboard?.title ?? withSpaces(name);
  const range = rangeTitle(shown, bounds, live.now());
  const versus = comparedTitle(shown.compare, bounds);
  const stated = back ? `${title}, ${range}` : title;
  const open = useMemo(() => openIncidents(board, now), [board, board.frames, Math.floor(now / TITLE_MS)]);
  usePageTitle([...(open ? [`${whole(open)} open`] : []), ...(shown.paused && !replay ? ["paused"] : [])], stated, open > 0);

  const { snapshots } = live.board;
  useEffect(() => {
    if (snapshots <= 1) return;
    readAgain();
    again();
  }, [snapshots]);
  const { link } = live;
  const old = ["reconnecting", "stale", "refused", "not there"].includes(status.word);
  const refused = link.state === "refused" && link.key ? link.why : failure?.key ? failure.why : "";

  return (
    <>
      <a class="skip" href="#dashboard">
        To the dashboard
      </a>
      <Header places={places} path={dashboard?.path ?? ""} go={go} status={status} age={age} theme={theme}>
        <TimeControls shown={shown} title={versus ? `${range}, ${versus}` : range} now={() => live.now()} show={show} pause={(on) => show({ paused: on ? pause() : 0 })} back={back} />
        {dashboard && (
          <a class="button" href={editorAddress(dashboard.own ? { dashboard: name } : { copy: name })}>
            {dashboard.own ? "Edit" : "Save as"}
          </a>
        )}
      </Header>
      <main id="dashboard" tabIndex={-1} class={old ? "old" : ""}>
        <Asking.Provider value={ASK}>
        <PageControls.Provider value={controls}>
          <DashboardPage
            title={title}
            dashboard={dashboard}
            board={board}
            connection={status.word}
            now={now}
            minutes={(bounds.to - bounds.from) / MINUTE_MS}
            theme={theme}
            only={only}
            show={showOnly}
            copies
            follows={follows(shown)}
            age={age}
            stale={old}
            missing={[...board.problems, ...missing(board), ...(problem ? [problem] : [])]}
          >
            {refused ? (
              <KeyForm
                why={refused}
                opened={() => {
                  live.retry();
                  retry();
                }}
              />
            ) : (
              <Banner status={status} waiting={link.state === "waiting" || failure !== null} retry={retry} as_of={board.frames && old ? time(board.ts) : null} />
            )}
            {dashboard?.variables && (
              <VariablesBar variables={dashboard.variables} choose={(variable, values) => go(location.pathname + withChoice(location.search, variable, values), { stay: true })} />
            )}
            {replay && <ReplayBar replay={replay} speed={shown.replay} setSpeed={(speed) => show({ replay: speed })} stop={() => show({ replay: 0, ...(shown.to === NOW ? { paused: 0 } : {}) })} />}
            {shown.compare && <ComparedNote compared={compared} words={versus} stop={() => show({ compare: null })} />}
          </DashboardPage>
          {dashboard && !only && (
            <NotesSection notes={notes} again={askNotes} bounds={bounds} now={live.now()} utc={shown.utc} open={openNote} close={() => setOpenNote("")} />
          )}
        </PageControls.Provider>
        </Asking.Provider>
        {isMissing && (
          <p class="empty">
            There is no dashboard “<bdi>{name}</bdi>”. It may have been deleted. <a href={DASHBOARDS_PATH}>All dashboards</a>
          </p>
        )}
      </main>
      <footer>
        <Missing list={[...missing(board), ...(problem ? [problem] : [])]} board={board} />
        {status.word === "live" && <Delay delays={live.delays()} />}
        <span>
          {dashboard && <SaveCapsule dashboard={dashboard} bounds={() => boundsOf(shown, live.now())} />}
          Times in {zone()}. The same as JSON: <a href={`/api/dashboard/state/${encodeURIComponent(name)}${choice}`}>state</a>
        </span>
      </footer>
    </>
  );
}

/** How many incidents are open: anomalies that began together are one. */
function openIncidents(board: Board, now: number): number {
  return together(incidents(ofUsers([...board.insights.values()]), now).filter((one) => !one.stays)).filter(isOpen).length;
}

/** Up to when a replay has come; at its end all of the range is shown, also where that reaches beyond the present. */
function playedUntil(replay: Replay | null): number | null {
  return replay && (replay.cursor < replay.bounds.to ? replay.cursor : Infinity);
}

/** Escape leads back to the present, where nothing else is open that it closes. */
function useEscape(back: (() => void) | null) {
  const newest = useRef(back);
  newest.current = back;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, select, textarea, dialog, [role=dialog]");
      if (event.key === "Escape" && !event.defaultPrevented && !typing) newest.current?.();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}

/** How long a number takes to the screen, as this page measured it. */
function Delay({ delays }: { delays: Delays | null }) {
  if (!delays) return null;
  const [p50, p99] = [Math.round(delays.p50), Math.round(delays.p99)];
  return (
    <span data-delay={`${p50} ${p99}`} title={`Measured on this page, over the last ${delays.count} changes; without the time of the network`}>
      On screen {p50} ms after counting (99 %: {p99} ms).
    </span>
  );
}

function Missing({ list, board }: { list: string[]; board: Board }) {
  // Where something else is wrong with the numbers, the banner says what.
  const known = board.frames > 0 && !board.problems.length;
  return <span>{list.length ? `Not shown: ${list.join("; ")}.` : known ? "All data is shown." : ""}</span>;
}
