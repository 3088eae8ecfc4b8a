/** The page that opens a capsule: chosen, or dropped on it. It asks no service for anything, and nothing on it is live. */
import { Component, type ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Theme } from "../charts/palette.ts";
import { unpacked } from "../live/capsule.ts";
import type { Status } from "../live/status.ts";
import { boardOfCapsule, type Capsule } from "../model/capsule.ts";
import { CAPSULE_PATH } from "../model/dashboards.ts";
import { dayAndTime, duration } from "../model/format.ts";
import { insightsAt, noteTime } from "../model/notes.ts";
import { DashboardPage } from "../pages/dashboard.tsx";
import { StoredAnswers } from "../panels/stored-answers.ts";
import type { ExplorerProps } from "./explorer-frame.tsx";
import { Header } from "./header.tsx";

const CAPSULE: Status = { word: "capsule", tone: "quiet", why: "" };
const NONE: Status = { word: "no capsule", tone: "quiet", why: "" };

export function CapsuleView({ places, go, theme }: ExplorerProps) {
  const [opened, setOpened] = useState<{ capsule: Capsule; file: string } | null>(null);
  const [fault, setFault] = useState("");
  const open = async (file: File | null | undefined) => {
    if (!file) return;
    setFault("");
    try {
      setOpened({ capsule: await unpacked(file), file: file.name });
    } catch (error) {
      setOpened(null);
      setFault(error instanceof Error ? error.message : String(error));
    }
  };
  const title = opened ? `Capsule of ${opened.capsule.dashboard.title}` : "Open a capsule";
  useEffect(() => {
    document.title = `${title} · Drishti`;
  }, [title]);
  return (
    <>
      <a class="skip" href="#capsule">
        To the capsule
      </a>
      <Header places={places} path={CAPSULE_PATH} go={go} status={opened ? CAPSULE : NONE} age={opened ? "read-only, not live" : ""} theme={theme} />
      <main
        id="capsule"
        tabIndex={-1}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          void open(event.dataTransfer?.files[0]);
        }}
      >
        {!opened && <h1>Open a capsule</h1>}
        <div class="panel open-capsule">
          <label>
            {opened ? "Another capsule" : "A file that a dashboard saved, or drishti capsule export made"}{" "}
            <input type="file" accept=".gz,.json,application/gzip,application/json" onChange={(event) => void open(event.currentTarget.files?.[0])} />
          </label>
          <p class="muted">Or drop it here. It stays in this browser: nothing of it is sent anywhere.</p>
          {fault && (
            <p class="bad" role="alert">
              {fault}
            </p>
          )}
        </div>
        {opened && (
          <Boundary key={`${opened.file} ${opened.capsule.made_at}`}>
            <Shown capsule={opened.capsule} theme={theme} />
          </Boundary>
        )}
      </main>
    </>
  );
}

function Shown({ capsule, theme }: { capsule: Capsule; theme: Theme }) {
  const { dashboard, from, to, made_at, insights, notes, traces, problems } = capsule;
  const [only, setOnly] = useState("");
  const board = useMemo(() => boardOfCapsule(capsule).saying(insightsAt(insights, { from }, to)), [capsule]);
  const stored = useMemo(() => new Map(Object.entries(capsule.panels ?? {})), [capsule]);
  return (
    <StoredAnswers.Provider value={stored}>
      <DashboardPage
        title={dashboard.title}
        dashboard={dashboard}
        board={board}
        connection="past"
        now={to}
        minutes={(to - from) / 60_000}
        theme={theme}
        only={only}
        show={setOnly}
        follows={false}
        age={`of ${dayAndTime(made_at)}`}
        stale={false}
        missing={problems}
      >
        <div class="banner warn capsule-banner">
          <p>
            <strong>Capsule, read-only.</strong> {duration(to - from)}, {dayAndTime(from)} to {dayAndTime(to)}, saved {dayAndTime(made_at)}. Nothing here is live, and
            links lead to the Drishti that you are looking at.{problems.length ? ` Not in it: ${problems.join("; ")}.` : ""}
          </p>
        </div>
        {notes.length > 0 && (
          <section class="panel notes" aria-label="Notes">
            <h2>Notes</h2>
            <ul>
              {notes.map((note) => (
                <li key={note.id}>
                  <time>{noteTime(note, made_at)}</time>
                  <p>
                    <bdi>{note.text}</bdi>
                  </p>
                </li>
              ))}
            </ul>
          </section>
        )}
        {traces.length > 0 && (
          <section class="panel" aria-label="Traces">
            <h2>Traces named by insights</h2>
            {traces.map((trace, i) => (
              <details key={i}>
                <summary>Trace {i + 1}</summary>
                <pre class="capsule-trace">{JSON.stringify(trace, null, 1)}</pre>
              </details>
            ))}
          </section>
        )}
      </DashboardPage>
    </StoredAnswers.Provider>
  );
}

/** A file may say what no panel can draw: then that is said, and the page stands. */
class Boundary extends Component<{ children: ComponentChildren }, { failed: string }> {
  override state = { failed: "" };

  static override getDerivedStateFromError(error: unknown) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <p class="banner bad" role="alert">
        This capsule cannot be shown: a panel in it is not as panels are ({this.state.failed.slice(0, 200)}).
      </p>
    );
  }
}
