/** The page: header with navigation and state, then the dashboard, then what it leaves out. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { Banner, KeyForm } from "./banner.tsx";
import { type Entry, Units } from "../model/catalogue.ts";
import { Chart } from "../charts/chart.tsx";
import { time, ZONE } from "../model/format.ts";
import { Header } from "./header.tsx";
import { useCatalogue, useLive, useRoute, useTheme } from "./hooks.ts";
import { health, incidents, learningSeries, silence, standing, watched } from "../model/insights.ts";
import { Capacity } from "../panels/capacity-card.tsx";
import { Insights } from "../panels/insights-panel.tsx";
import { layoutOf } from "../pages/layouts.ts";
import { spoken } from "../model/names.ts";
import { Scores } from "../panels/score-card.tsx";
import { missing, status } from "../live/status.ts";
import { Table } from "../panels/table.tsx";
import { Tile } from "../panels/tile.tsx";

const FIRST_WINDOW_MIN = 5;

export function App() {
  const catalogue = useCatalogue();
  const [name, go] = useRoute();
  const [paused, setPaused] = useState<number | null>(null);
  const [minutes, setMinutes] = useState(FIRST_WINDOW_MIN);
  const live = useLive(name, paused !== null);
  const theme = useTheme();

  const dashboard = catalogue?.find((one) => one.name === name) ?? null;
  const layout = useMemo(() => dashboard && layoutOf(dashboard), [dashboard]);
  const units = useMemo(() => dashboard && new Units(dashboard), [dashboard]);
  const entries = useMemo(() => new Map<string, Entry>(dashboard?.series.map((entry) => [entry.name, entry])), [dashboard]);
  const title = dashboard?.title ?? spoken(name);
  useEffect(() => {
    document.title = `${title} · Drishti`;
  }, [title]);
  useEffect(() => setPaused(null), [name]);

  const { board, link } = live;
  const now = paused ?? live.now();
  const said = paused === null ? status(link, board, live.heardMs(), Date.now()) : PAUSED;
  const told = [...board.told.values()];
  const found = incidents(told, now);
  const stand = standing(found, now);
  const watching = watched(told);
  const learning = learningSeries(told);
  const counted = board.value("freshness_ms") !== null;
  const word = counted ? health(stand, watching, said.word, silence(told, now)) : null;
  const old = paused === null && (said.word === "reconnecting" || said.word === "stale" || said.word === "refused");

  return (
    <>
      <a class="skip" href="#dashboard">
        To the dashboard
      </a>
      <Header
        dashboards={catalogue ?? []}
        name={name}
        go={go}
        status={said}
        board={board}
        heardMs={live.heardMs()}
        minutes={minutes}
        setMinutes={setMinutes}
        pausedAt={paused}
        setPaused={(on) => setPaused(on ? live.now() : null)}
        theme={theme}
      />
      <main id="dashboard" tabIndex={-1} class={old ? "old" : ""}>
        <div class="heading">
          <div>
            <h1>{title}</h1>
            {dashboard && <p class="muted">{dashboard.description}</p>}
          </div>
          {word && (
            <p class={`health ${word.tone}`}>
              <strong>{word.word}</strong>
              <span class="muted">{word.why}</span>
            </p>
          )}
        </div>
        {link.state === "refused" && link.key ? (
          <KeyForm why={link.why} opened={() => live.retry()} />
        ) : (
          <Banner status={said} waiting={link.state === "waiting"} retry={() => live.retry()} as_of={board.frames && old ? time(board.ts) : null} />
        )}
        {dashboard && layout && units && (
          <>
            <section class="tiles" aria-label="Now">
              {layout.tiles.map((tile) => (
                <Tile key={tile.title} tile={tile} board={board} units={units} entries={entries} standing={stand} now={now} minutes={minutes} />
              ))}
            </section>
            <section class="grid" aria-label="Insights and charts">
              <Insights incidents={found} watching={watching} told={told} units={units} now={now} ready={counted} minutes={minutes} />
              {layout.charts.map((chart) => (
                <Chart
                  key={`${name} ${chart.title}`}
                  chart={chart}
                  board={board}
                  entries={entries}
                  units={units}
                  incidents={found}
                  learning={learning}
                  now={now}
                  minutes={minutes}
                  theme={theme}
                />
              ))}
              <Capacity told={told} units={units} now={now} beside={layout.charts.length} />
              <Scores told={told} units={units} />
            </section>
            <section class="lists" aria-label="Lists">
              {layout.tables.map((table) => (
                <Table key={table.title} table={table} board={board} units={units} />
              ))}
            </section>
          </>
        )}
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
  return <span>{list.length ? `Not on the screen: ${list.join("; ")}.` : "Nothing is left out."}</span>;
}
