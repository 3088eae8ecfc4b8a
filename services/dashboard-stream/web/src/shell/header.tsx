/** Name, navigation, how the page is connected, and the few controls. */
import type { ComponentChildren } from "preact";
import { useContext } from "preact/hooks";
import type { Status } from "../live/status.ts";
import type { Theme } from "../charts/palette.ts";
import type { Go } from "./hooks.ts";
import { HOME_PATH } from "../model/explorer-choice.ts";
import { Navigation, type Place } from "./navigation.tsx";
import { OpenPalette } from "./shortcuts.ts";
import { toggle } from "./theme.ts";

export type { Place };

interface Props {
  places: Place[];
  /** The path of the page that is shown. */
  path: string;
  go: Go;
  status: Status;
  /** How old what is shown is, in words. */
  age: string;
  theme: Theme;
  /** The controls of this page. */
  children?: ComponentChildren;
}

export function Header({ places, path, go, status, age, theme, children }: Props) {
  const find = useContext(OpenPalette);
  return (
    <header>
      <a class="brand" href={HOME_PATH} aria-label="Drishti, home">
        <Eye />
        Drishti
      </a>
      <Navigation places={places} path={path} go={go} />
      <div class="connection">
        <span role="status" class={`state ${status.tone}`}>
          {status.word}
        </span>
        <span class="age">{age}</span>
      </div>
      <div class="controls">
        {children}
        <button type="button" class="find" aria-keyshortcuts="Control+K Meta+K" onClick={find}>
          <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true">
            <circle cx="10.5" cy="10.5" r="6.5" />
            <path d="M15.5 15.5L21 21" />
          </svg>
          <span class="word">Find</span> <kbd>Ctrl K</kbd>
        </button>
        <button type="button" class="icon" aria-label={`Change to ${theme === "dark" ? "light" : "dark"} theme`} onClick={toggle}>
          {theme === "dark" ? <Sun /> : <Moon />}
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
