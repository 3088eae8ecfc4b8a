/** What every page of the explorer has around it: traces, the service map, errors, bottlenecks, logs and root causes. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Theme } from "../charts/palette.ts";
import { gatewayNow, ROOT } from "../live/analytics.ts";
import { ageInWords, type Asked, wordOf } from "../model/asked.ts";
import { zone } from "../model/format.ts";
import { STATUS } from "./asked-status.ts";
import { KeyForm } from "./banner.tsx";
import { Header, type Place } from "./header.tsx";
import type { Go } from "./hooks.ts";

/** Ages go on without answers. */
const TICK_MS = 1_000;
export const SESSION_EVERY_MS = 600_000;
/** New types of events are offered after so long at the latest. */
export const NAMES_EVERY_MS = 120_000;

/** What a view of the explorer is given. */
export interface ExplorerProps {
  query: string;
  places: Place[];
  go: Go;
  theme: Theme;
}

interface Props extends Omit<ExplorerProps, "query"> {
  path: string;
  /** What the page shows most of all, and how often it is asked for. */
  asked: Asked<unknown>;
  every: number;
  now: number;
  /** Where the same is as JSON, below the root of questions, and `what` it is; not of what is posted. */
  json?: string;
  what?: string;
  /** A key was given: everything is to be asked for again. */
  opened: () => void;
  children: ComponentChildren;
}

export function ExplorerFrame({ places, path, go, theme, asked, every, now, json, what, opened, children }: Props) {
  const word = wordOf(asked, now, every);
  return (
    <>
      <a class="skip" href="#explorer">
        To the content
      </a>
      <Header places={places} path={path} go={go} status={STATUS[word]} age={word === "refreshing" ? "refreshing…" : ageInWords(asked, now)} theme={theme} />
      <main id="explorer" tabIndex={-1}>
        {asked.failure?.key && <KeyForm why={`${asked.failure.why}.`} opened={opened} />}
        {children}
      </main>
      <footer>
        <span>Times in {zone()}.</span>
        {json && (
          <span>
            The same as JSON: <a href={`${ROOT}/${json}`}>{what}</a>
          </span>
        )}
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
