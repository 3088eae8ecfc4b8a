/** The frame around a page: header with navigation and state, the page that the address names, and what is left out. */
import { useEffect, useState } from "preact/hooks";
import { missing, status } from "../live/status.ts";
import { time, ZONE } from "../model/format.ts";
import { withSpaces } from "../model/names.ts";
import { DashboardPage } from "../pages/dashboard.tsx";
import { Banner, KeyForm } from "./banner.tsx";
import { Header } from "./header.tsx";
import { useCatalogue, useLive, useRoute, useTheme } from "./hooks.ts";

const FIRST_WINDOW_MIN = 5;

export function App() {
  const catalogue = useCatalogue();
  const [name, go] = useRoute();
  const [paused, setPaused] = useState<number | null>(null);
  const [minutes, setMinutes] = useState(FIRST_WINDOW_MIN);
  const live = useLive(name, paused !== null);
  const theme = useTheme();

  const dashboard = catalogue?.find((one) => one.name === name) ?? null;
  const title = dashboard?.title ?? withSpaces(name);
  useEffect(() => {
    document.title = `${title} · Drishti`;
  }, [title]);
  useEffect(() => setPaused(null), [name]);

  const { board, link } = live;
  const now = paused ?? live.now();
  const connection = paused === null ? status(link, board, live.heardMs(), Date.now()) : PAUSED;
  const old = paused === null && (connection.word === "reconnecting" || connection.word === "stale" || connection.word === "refused");

  return (
    <>
      <a class="skip" href="#dashboard">
        To the dashboard
      </a>
      <Header
        dashboards={catalogue ?? []}
        name={name}
        go={go}
        status={connection}
        board={board}
        heardMs={live.heardMs()}
        minutes={minutes}
        setMinutes={setMinutes}
        pausedAt={paused}
        setPaused={(on) => setPaused(on ? live.now() : null)}
        theme={theme}
      />
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
        <Missing list={missing(board)} />
        <span>
          Times in {ZONE}. The same as JSON: <a href={`/api/dashboard/state/${encodeURIComponent(name)}`}>state</a>
        </span>
      </footer>
    </>
  );
}

const PAUSED = { word: "paused", tone: "quiet", why: "" } as const;

function Missing({ list }: { list: string[] }) {
  return <span>{list.length ? `Not shown: ${list.join("; ")}.` : "All data is shown."}</span>;
}
