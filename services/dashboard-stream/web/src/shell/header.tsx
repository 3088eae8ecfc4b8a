/** Name, navigation, how the page is connected, and the few controls. */
import type { Board } from "../model/board.ts";
import type { Dashboard } from "../model/catalogue.ts";
import { time } from "../model/format.ts";
import { ageInWords, ageMs, type Status } from "../live/status.ts";
import type { Theme } from "../charts/palette.ts";
import { toggle } from "./theme.ts";

/** Minutes that the charts can show. */
const WINDOWS_MIN = [2, 5, 15];

interface Props {
  dashboards: Dashboard[];
  name: string;
  go: (path: string) => void;
  status: Status;
  board: Board;
  heardMs: number;
  minutes: number;
  setMinutes: (minutes: number) => void;
  /** The instant at which the page was paused. */
  pausedAt: number | null;
  setPaused: (on: boolean) => void;
  theme: Theme;
}

export function Header(props: Props) {
  return (
    <header>
      <span class="brand">
        <Eye />
        Drishti
      </span>
      <nav aria-label="Dashboards">
        {props.dashboards.map((one) => (
          <a
            key={one.name}
            href={one.path}
            aria-current={one.name === props.name ? "page" : undefined}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
              event.preventDefault();
              if (one.name !== props.name) props.go(one.path);
            }}
          >
            {one.title}
          </a>
        ))}
      </nav>
      <div class="connection">
        <span role="status" class={`state ${props.status.tone}`}>
          {props.status.word}
        </span>
        <span class="age">
          {props.pausedAt === null ? ageInWords(props.board.frames ? ageMs(props.board, props.heardMs) : null) : `at ${time(props.pausedAt)}`}
        </span>
      </div>
      <div class="controls">
        <div class="segments" role="group" aria-label="Time shown">
          {WINDOWS_MIN.map((minutes) => (
            <button type="button" key={minutes} aria-pressed={minutes === props.minutes} onClick={() => props.setMinutes(minutes)}>
              {minutes} min
            </button>
          ))}
        </div>
        <button type="button" aria-pressed={props.pausedAt !== null} onClick={() => props.setPaused(props.pausedAt === null)}>
          {props.pausedAt === null ? "Pause" : "Resume"}
        </button>
        <button type="button" class="icon" aria-label={`Change to ${props.theme === "dark" ? "light" : "dark"} theme`} onClick={toggle}>
          {props.theme === "dark" ? <Sun /> : <Moon />}
        </button>
      </div>
    </header>
  );
}

function Eye() {
  return (
    <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <path d="M2.5 16S7.5 7 16 7s13.5 9 13.5 9-5 9-13.5 9S2.5 16 2.5 16z" />
      <path d="M8.5 16.5h4l2-4.5 3.5 8.5 2-4h3.5" />
    </svg>
  );
}

function Sun() {
  return (
    <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true">
      <circle cx="12" cy="12" r="4.5" />
      <path d="M12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M5 5l1.7 1.7M17.3 17.3L19 19M19 5l-1.7 1.7M6.7 17.3L5 19" />
    </svg>
  );
}

function Moon() {
  return (
    <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true">
      <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z" />
    </svg>
  );
}
