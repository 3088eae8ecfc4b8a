/** What the pages of traces and of the service map have around them. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Theme } from "../charts/palette.ts";
import { gatewayNow, ROOT } from "../live/analytics.ts";
import type { Status } from "../live/status.ts";
import type { AskedWord } from "../model/asked.ts";
import { ZONE } from "../model/format.ts";
import { Header, type Place } from "./header.tsx";
import type { Go } from "./hooks.ts";

/** Ages go on without answers. */
const TICK_MS = 1_000;

export const STATUS: Record<AskedWord, Status> = {
  loading: { word: "loading", tone: "quiet", why: "" },
  failed: { word: "not there", tone: "bad", why: "" },
  // Said aloud where it changes: not each time that it is asked again.
  refreshing: { word: "current", tone: "good", why: "" },
  stale: { word: "stale", tone: "warn", why: "" },
  current: { word: "current", tone: "good", why: "" },
};

interface Props {
  places: Place[];
  path: string;
  go: Go;
  status: Status;
  age: string;
  theme: Theme;
  /** Where the same is as JSON, below the root of questions; `what` it is. */
  json: string;
  what: string;
  children: ComponentChildren;
}

export function ExplorerFrame({ places, path, go, status, age, theme, json, what, children }: Props) {
  return (
    <>
      <a class="skip" href="#explorer">
        To the content
      </a>
      <Header places={places} path={path} go={go} status={status} age={age} theme={theme} />
      <main id="explorer" tabIndex={-1}>
        {children}
      </main>
      <footer>
        <span>Times in {ZONE}.</span>
        <span>
          The same as JSON: <a href={`${ROOT}/${json}`}>{what}</a>
        </span>
      </footer>
    </>
  );
}

export function useClock(): number {
  const [now, setNow] = useState(gatewayNow);
  useEffect(() => {
    const timer = window.setInterval(() => setNow(gatewayNow()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}
