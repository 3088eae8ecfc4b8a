/** The frame around a dashboard: header with navigation and state, the live numbers, and what is left out. */
import { useEffect, useMemo } from "preact/hooks";
import { ageInWords, ageMs, missing, status } from "../live/status.ts";
import { type Controls, PageControls } from "../charts/controls.ts";
import type { Theme } from "../charts/palette.ts";
import type { Dashboard } from "../model/catalogue.ts";
import { time, ZONE } from "../model/format.ts";
import { withSpaces } from "../model/names.ts";
import { boundsOf, NOW, queryOf, type Shown, shownOf } from "../model/shown-time.ts";
import { DashboardPage } from "../pages/dashboard.tsx";
import { Banner, KeyForm } from "./banner.tsx";
import { editorAddress } from "../model/dashboards.ts";
import { Header, type Place, TimeControls } from "./header.tsx";
import { type Go, useLive } from "./hooks.ts";

const MINUTE_MS = 60_000;
/** What frames carry of the past. */
const MOST_MIN = 15;

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
  const paused = shown.paused || null;
  const live = useLive(name, paused !== null);
  const { from, to } = boundsOf(shown, live.now());
  const minutes = Math.min(MOST_MIN, (to - from) / MINUTE_MS);
  // A new range is a step to go back from; what is done to the same one is not.
  const show = (changed: Partial<Shown>) => {
    const step = changed.from !== undefined || changed.to !== undefined;
    // The address is newer than this drawing where two things are done at once.
    const now = shownOf(location.search, Date.now());
    go(location.pathname + queryOf({ ...now, ...changed }, location.search), { replace: !step, stay: true });
  };
  const controls = useMemo<Controls>(() => ({ hidden: shown.hidden, hide: (change) => show({ hidden: change(shownOf(location.search, Date.now()).hidden) }) }), [query, name]);

  const dashboard = catalogue?.find((one) => one.name === name) ?? null;
  const title = dashboard?.title ?? withSpaces(name);
  useEffect(() => {
    document.title = `${title} · Drishti`;
  }, [title]);

  const { board, link } = live;
  useEffect(() => {
    if (board.snapshots > 1) readAgain();
  }, [board.snapshots]);
  const now = paused ?? live.now();
  const connection = paused === null ? status(link, board, live.heardMs(), Date.now()) : PAUSED;
  const old = paused === null && (connection.word === "reconnecting" || connection.word === "stale" || connection.word === "refused");
  const age = ageInWords(board.frames ? ageMs(board, live.heardMs()) : null);

  return (
    <>
      <a class="skip" href="#dashboard">
        To the dashboard
      </a>
      <Header
        places={places}
        path={dashboard?.path ?? ""}
        go={go}
        status={connection}
        age={paused === null ? age : `at ${time(paused)}`}
        theme={theme}
      >
        <TimeControls
          minutes={minutes}
          setMinutes={(chosen) => show({ from: `now-${chosen}m`, to: NOW })}
          paused={paused !== null}
          setPaused={(on) => show({ paused: on ? Math.round(live.now()) : 0 })}
        />
        {dashboard && (
          <a class="button" href={editorAddress(dashboard.own ? { dashboard: name } : { copy: name })}>
            {dashboard.own ? "Edit" : "Save as"}
          </a>
        )}
      </Header>
      <main id="dashboard" tabIndex={-1} class={old ? "old" : ""}>
        <PageControls.Provider value={controls}>
          <DashboardPage
            title={title}
            dashboard={dashboard}
            board={board}
            connection={connection.word}
            now={now}
            minutes={minutes}
            theme={theme}
          >
            {link.state === "refused" && link.key ? (
              <KeyForm why={link.why} opened={() => live.retry()} />
            ) : (
              <Banner
                status={connection}
                waiting={link.state === "waiting"}
                retry={() => live.retry()}
                as_of={board.frames && old ? time(board.ts) : null}
              />
            )}
          </DashboardPage>
        </PageControls.Provider>
        {catalogue && !dashboard && <p class="empty">There is no dashboard “{name}”.</p>}
      </main>
      <footer>
        <Missing list={missing(board)} known={board.frames > 0 && !board.problems.length} />
        <span>
          Times in {ZONE}. The same as JSON: <a href={`/api/dashboard/state/${encodeURIComponent(name)}`}>state</a>
        </span>
      </footer>
    </>
  );
}

const PAUSED = { word: "paused", tone: "quiet", why: "" } as const;

/** `known`: nothing else is wrong with the numbers; the banner says what. */
function Missing({ list, known }: { list: string[]; known: boolean }) {
  return <span>{list.length ? `Not shown: ${list.join("; ")}.` : known ? "All data is shown." : ""}</span>;
}
