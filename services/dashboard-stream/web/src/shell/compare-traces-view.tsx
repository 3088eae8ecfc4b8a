/** The frame around the page that compares two traces. */
import { useEffect } from "preact/hooks";
import { fetchSession } from "../live/analytics.ts";
import { fetchComparison } from "../live/traces.ts";
import { useAsked } from "../live/use-asked.ts";
import { compareLink, pairOf } from "../model/compared-traces.ts";
import { TRACES_PATH } from "../model/explorer.ts";
import { CompareTracesPage } from "../pages/compare-traces.tsx";
import { ExplorerFrame, type ExplorerProps, SESSION_EVERY_MS, useClock } from "./explorer-frame.tsx";

/** Traces that are compared are over. */
const EVERY_MS = 120_000;

export function CompareTracesView({ query, places, go, theme }: ExplorerProps) {
  const pair = pairOf(query);
  const now = useClock();
  const whole = pair.left !== "" && pair.right !== "";
  const [answer, retry] = useAsked(whole ? `${pair.left} ${pair.right}` : null, EVERY_MS, (signal) => fetchComparison(pair.left, pair.right, signal));
  const [session, askSession] = useAsked("session", SESSION_EVERY_MS, fetchSession);
  useEffect(() => {
    document.title = `${whole ? `Traces ${pair.left.slice(0, 8)} and ${pair.right.slice(0, 8)}` : "Compare two traces"} · Drishti`;
  }, [pair.left, pair.right]);
  const opened = () => {
    retry();
    askSession();
  };
  const json = `traces/compare?left=${encodeURIComponent(pair.left)}&right=${encodeURIComponent(pair.right)}`;
  return (
    <ExplorerFrame places={places} path={TRACES_PATH} go={go} asked={whole ? answer : session} every={whole ? EVERY_MS : SESSION_EVERY_MS} now={now} theme={theme} json={json} what="this comparison" opened={opened}>
      <CompareTracesPage answer={answer} pair={pair} show={(next) => go(compareLink(next))} retry={retry} jaeger={session.value?.jaeger_ui_url ?? ""} />
    </ExplorerFrame>
  );
}
