/** The frame around a dashboard: header with navigation and state, the live numbers, and what is left out. */
import { useEffect, useState } from "preact/hooks";
import { ageInWords, ageMs, missing, status } from "../live/status.ts";
import type { Theme } from "../charts/palette.ts";
import type { Dashboard } from "../model/catalogue.ts";
import { time, ZONE } from "../model/format.ts";
import { withSpaces } from "../model/names.ts";
import { DashboardPage } from "../pages/dashboard.tsx";
import { Banner, KeyForm } from "./banner.tsx";
import { Header, type Place, TimeControls } from "./header.tsx";
import { type Go, useLive } from "./hooks.ts";

const FIRST_WINDOW_MIN = 5;

interface Props {
  name: string;
  /** `null` until the service has answered. */
  catalogue: Dashboard[] | null;
  /** Reads the catalogue again: a tenant's own metrics may be others by now. */
  readAgain: () => void;
  places: Place[];
  go: Go;
  theme: Theme;
}

export function DashboardView({ name, catalogue, readAgain, places, go, theme }: Props) {
  const [paused, setPaused] = useState<number | null>(null);
  const [minutes, setMinutes] = useState(FIRST_WINDOW_MIN);
  const live = useLive(name, paused !== null);

  const dashboard = catalogue?.find((one) => one.name === name) ?? null;
  const title = dashboard?.title ?? withSpaces(name);
  useEffect(() => {
    document.title = `${title} · Drishti`;
  }, [title]);
  useEffect(() => setPaused(null), [name]);

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
        <TimeControls minutes={minutes} setMinutes={setMinutes} paused={paused !== null} setPaused={(on) => setPaused(on ? live.now() : null)} />
      </Header>
      <main id="dashboard" tabIndex={-1} class={old ? "old" : ""}>
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
