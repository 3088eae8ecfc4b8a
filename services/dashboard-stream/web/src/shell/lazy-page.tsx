/**
 * Pages that are fetched when they are first needed, or earlier: as soon as a link to one is pointed at, and when the browser is idle.
 *
 * A part that cannot be fetched means that the server restarts, perhaps with another version, whose parts have other names. So the server
 * is asked until it answers, and then the page is loaded anew, once: where that does not help either, a button is left.
 */
import type { ComponentChildren, FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Theme } from "../charts/palette.ts";
import { plotlyMissing } from "../charts/plot.ts";
import type { Status } from "../live/status.ts";
import { KeyForm } from "./banner.tsx";
import { Header, type Place } from "./header.tsx";
import type { Go } from "./hooks.ts";

/** What every page is given, as much as the frame around one that is not there yet needs. */
interface Surroundings {
  places: Place[];
  go: Go;
  theme: Theme;
}

export interface LazyPage<Props> extends FunctionComponent<Props> {
  /** Fetches the page without showing it. */
  preload: () => void;
}

const ASK_AGAIN_MS = 3_000;
const ASK_TIMEOUT_MS = 10_000;
/** A page that fails again this soon after it was loaded anew is not loaded anew by itself. */
const RELOADED_MS = 60_000;
const RELOADED_KEY = "drishti.reloaded";
/** How long the first page has the network for itself. */
const IDLE_MS = 5_000;

const LOADING: Status = { word: "loading", tone: "quiet", why: "" };
const FAILED: Status = { word: "not there", tone: "bad", why: "" };

/** What is shown while the code of a part is fetched; `failed`: it could not be. */
type Meanwhile<Props> = (props: Props, failed: boolean) => ComponentChildren;

/** A page whose code `load` fetches. */
export function lazyPage<Props extends Surroundings>(load: () => Promise<FunctionComponent<Props>>): LazyPage<Props> {
  return lazy(load, ({ places, go, theme }, failed) => (
    <>
      <Header places={places} path={location.pathname} go={go} status={failed ? FAILED : LOADING} age="" theme={theme} />
      <main>{failed ? <NotFetched what="This page" /> : <p class="panel empty">Loading…</p>}</main>
    </>
  ));
}

/** What stands beside a page and is fetched by `load`: until it is there, nothing is shown. */
export function lazyPart<Props extends object>(load: () => Promise<FunctionComponent<Props>>): LazyPage<Props> {
  return lazy(load, (_props, failed) => failed && <NotFetched what="A part of the page" />);
}

function lazy<Props extends object>(load: () => Promise<FunctionComponent<Props>>, meanwhile: Meanwhile<Props>): LazyPage<Props> {
  let part: FunctionComponent<Props> | null = null;
  let loading: Promise<FunctionComponent<Props>> | null = null;
  const fetched = () => {
    loading ??= load().then(
      (loaded) => (part = loaded),
      (error: unknown) => {
        loading = null;
        throw error;
      },
    );
    return loading;
  };
  const Lazy: LazyPage<Props> = (props) => {
    const [Part, setPart] = useState(() => part);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (Part) return undefined;
      let gone = false;
      fetched().then(
        (loaded) => gone || setPart(() => loaded),
        () => gone || setFailed(true),
      );
      return () => {
        gone = true;
      };
    }, []);
    return Part ? <Part {...props} /> : <>{meanwhile(props, failed)}</>;
  };
  // Where preloading fails, it is fetched again when it is needed.
  Lazy.preload = () => void fetched().catch(() => {});
  return Lazy;
}

/** Says it where what draws the charts could not be fetched. */
export function ChartsMissing() {
  const [missing, setMissing] = useState(false);
  useEffect(() => {
    void plotlyMissing.then(() => setMissing(true));
  }, []);
  return missing ? <NotFetched what="What draws the charts" /> : null;
}

function NotFetched({ what }: { what: string }) {
  const [again] = useState(mayReload);
  const [needsKey, setNeedsKey] = useState(false);
  useEffect(() => {
    if (!again) return undefined;
    const abort = new AbortController();
    let timer = 0;
    const ask = async () => {
      const status = await answers(abort.signal);
      if (status === 200 || status === 404) reload();
      else if (status === 401 || status === 403) setNeedsKey(true);
      else if (!abort.signal.aborted) timer = window.setTimeout(ask, ASK_AGAIN_MS);
    };
    void ask();
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, []);
  if (needsKey) return <KeyForm why={`${what} needs a key.`} opened={reload} />;
  return (
    <div class="banner bad" role="alert">
      <p>
        {what} could not be loaded: the server is not responding, or was updated.
        {again ? " The page is loaded again when it responds." : " Loading it again did not help."}
      </p>
      <button type="button" onClick={reload}>
        Load again
      </button>
    </div>
  );
}

/** The status of the answer to what this page is at; 0: nobody answers. */
async function answers(signal: AbortSignal): Promise<number> {
  try {
    return (await fetch(location.href, { cache: "no-store", signal: AbortSignal.any([signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]) })).status;
  } catch {
    return 0;
  }
}

function mayReload(): boolean {
  try {
    return Date.now() - Number(sessionStorage.getItem(RELOADED_KEY) ?? 0) > RELOADED_MS;
  } catch {
    return false; // What is not remembered could be repeated for ever.
  }
}

function reload() {
  try {
    sessionStorage.setItem(RELOADED_KEY, String(Date.now()));
  } catch {
    // By the button alone, then.
  }
  location.reload();
}

/** Fetches the page of a link that is pointed at or focused, by `pageOf` its path; and all pages, one by one, when nothing else is to do. */
export function usePreloading(pages: readonly LazyPage<never>[], pageOf: (path: string) => LazyPage<never> | null): void {
  useEffect(() => {
    const pointed = (event: Event) => {
      const link = event.target instanceof Element ? event.target.closest("a") : null;
      if (link && link.origin === location.origin) pageOf(link.pathname)?.preload();
    };
    document.addEventListener("pointerover", pointed, { passive: true });
    document.addEventListener("focusin", pointed);
    const timer = window.setTimeout(() => whenIdle([...pages]), IDLE_MS);
    return () => {
      document.removeEventListener("pointerover", pointed);
      document.removeEventListener("focusin", pointed);
      clearTimeout(timer);
    };
  }, []);
}

function whenIdle(pages: LazyPage<never>[]): void {
  const next = pages.shift();
  if (!next) return;
  const fetchNext = () => {
    next.preload();
    whenIdle(pages);
  };
  // Safari has no such callback.
  if ("requestIdleCallback" in window) window.requestIdleCallback(fetchNext);
  else setTimeout(fetchNext, 200);
}
