/** What components share: the dashboards, the one that is looked at, and ticks. */
import { useEffect, useReducer, useState } from "preact/hooks";
import type { Dashboard } from "../model/catalogue.ts";
import { fetchCatalogue } from "../live/dashboards.ts";
import { Live } from "../live/live.ts";
import { inKiosk, withKiosk } from "../model/kiosk.ts";
import { choiceOf } from "../model/variables.ts";
import { onTheme, theme } from "./theme.ts";
import type { Theme } from "../charts/palette.ts";

const AGAIN_MS = 3_000;

/** The dashboards; `null` until the service has answered. Asked again until it does, and where the second is called. */
export function useCatalogue(): [Dashboard[] | null, () => void] {
  const [dashboards, setDashboards] = useState<Dashboard[] | null>(null);
  const [asked, askAgain] = useReducer((count: number, _: null) => count + 1, 0);
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    const ask = () => {
      fetchCatalogue(abort.signal).then(
        // The same readings as before are no reason to draw anything anew.
        (list) => setDashboards((before) => (JSON.stringify(before) === JSON.stringify(list) ? before : list)),
        () => {
          // The feed reports what is wrong; here it is enough to try again.
          if (!abort.signal.aborted) timer = window.setTimeout(ask, AGAIN_MS);
        },
      );
    };
    ask();
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [asked]);
  return [dashboards, () => askAgain(null)];
}

/** The page that the address names. `query` begins with its `?`, or is empty. */
export type Page = "home" | "metrics" | "traces" | "service-map" | "errors" | "bottlenecks" | "logs" | "root-cause" | "incidents" | "funnels" | "retention" | "journeys" | "activity" | "engagement" | "experience" | "cohorts" | "users" | "sessions" | "compare-traces" | "dashboards-list" | "dashboard-editor" | "capsule" | "settings" | "not-found";
export type Route = { page: Page; query: string } | { page: "dashboard"; name: string; query: string };

const DASHBOARD = /\/dashboard\/dashboard\/([^/]+)\/?$/;
const OTHERS = /\/dashboard\/(home|metrics|traces|service-map|errors|bottlenecks|logs|root-cause|incidents|funnels|retention|journeys|activity|engagement|experience|cohorts|users|sessions|compare-traces|dashboards-list|dashboard-editor|capsule|settings)\/?$/;

const MAY_BE_UNSAVED: ReadonlySet<string> = new Set(["metrics", "dashboard-editor"]);

/** The page of a path that is no dashboard. */
export function pageAt(path: string): Page | null {
  return (OTHERS.exec(path)?.[1] as Page | undefined) ?? null;
}

function here(): Route {
  const other = pageAt(location.pathname);
  if (other) return { page: other, query: location.search };
  const name = DASHBOARD.exec(location.pathname)?.[1];
  return name ? { page: "dashboard", name, query: location.search } : { page: "not-found", query: "" };
}

export type Go = (path: string, how?: { replace?: boolean; stay?: boolean }) => void;

/** What the address names, and how to go elsewhere without a reload: `replace` leaves no step to go back to, `stay` does not scroll. */
export function useRoute(): [Route, Go] {
  const [route, setRoute] = useState(here);
  useEffect(() => {
    const moved = () => setRoute(here());
    addEventListener("popstate", moved);
    return () => removeEventListener("popstate", moved);
  }, []);
  const go: Go = (address, { replace = false, stay = false } = {}) => {
    const path = inKiosk(location.search) ? withKiosk(address, location.search) : address;
    if (replace) history.replaceState(null, "", path);
    else history.pushState(null, "", path);
    setRoute(here());
    if (!stay) scrollTo({ top: 0 });
  };
  useEffect(() => {
    // Links from one page of the explorer to another, wherever they stand; those to a part of a page are the browser's. Those where something may not be saved are left by the browser, which asks.
    const clicked = (event: MouseEvent) => {
      if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
      const link = event.target instanceof Element ? event.target.closest("a") : null;
      if (!link || link.origin !== location.origin || link.target || MAY_BE_UNSAVED.has(here().page) || link.hash || !OTHERS.test(link.pathname)) return;
      event.preventDefault();
      go(link.pathname + link.search);
    };
    document.addEventListener("click", clicked);
    return () => document.removeEventListener("click", clicked);
  }, []);
  return [route, go];
}

/** Goes to any page; where something may not be saved, the browser does it, which asks. */
export function leave(go: Go, address: string): void {
  if (MAY_BE_UNSAVED.has(here().page)) location.assign(address);
  else go(address);
}

/** The dashboard that the address names, connected before anything is drawn: its first frame comes meanwhile. */
export function followAhead(): void {
  const route = here();
  if (route.page !== "dashboard") return;
  ahead = made(encodeURIComponent(route.name) + choiceOf(route.query));
  ahead.live.start();
}

let ahead: Followed | null = null;

/** The live dashboard at `path`, its name with what is chosen for its variables; has the component drawn again as it moves, but not while `paused`, once there is something to see. */
export function useLive(path: string, paused: boolean): Live {
  const [, tick] = useReducer((count: number, _: null) => count + 1, 0);
  const [live, setLive] = useState(() => followed(path));
  if (live.path !== path) setLive(followed(path));
  const current = live.path === path ? live.live : null;
  useEffect(() => {
    current?.start();
    return () => current?.end();
  }, [current]);
  const still = paused && live.live.board.frames > 0;
  useEffect(() => (still || !current ? undefined : current.listen(() => tick(null))), [current, still]);
  return live.live;
}

interface Followed {
  path: string;
  live: Live;
}

/** The one that was connected ahead, where it is that. It is asked for once: what is not taken then, nobody looks at. */
function followed(path: string): Followed {
  const first = ahead;
  ahead = null;
  if (first?.path === path) return first;
  first?.live.end();
  return made(path);
}

function made(path: string): Followed {
  return { path, live: new Live(`/api/dashboard/ws/${path}`) };
}

export function useTheme(): Theme {
  const [now, setNow] = useState(theme);
  useEffect(() => onTheme(() => setNow(theme())), []);
  return now;
}
