/** The frame around the page of root causes. */
import { useEffect } from "preact/hooks";
import { fetchSession, gatewayNow } from "../live/analytics.ts";
import { fetchRootCause, fetchShared } from "../live/explorer.ts";
import { askedOf, CAUSE_FIELDS, type CauseChoice, CAUSES_PATH, choiceOf, queryOf } from "../model/explorer-choice.ts";
import { everyMs } from "../model/time-range.ts";
import { RootCausePage } from "../pages/root-cause.tsx";
import { ExplorerFrame, type ExplorerProps, SESSION_EVERY_MS, useClock } from "./explorer-frame.tsx";
import { useAsked } from "../live/use-asked.ts";

/** Spans of a minute come some time after it, and comparing is work. */
const EVERY_MS = 30_000;

export function RootCauseView({ query, places, go, theme }: ExplorerProps) {
  const choice = choiceOf(query, CAUSE_FIELDS);
  const now = useClock();
  const every = Math.max(EVERY_MS, everyMs(choice));
  const key = queryOf(choice, CAUSE_FIELDS);
  const range = () => askedOf(choice, CAUSE_FIELDS, gatewayNow());
  const question = () => {
    const asked = range();
    if (choice.own) asked.set("own", "true");
    return asked;
  };
  const [answer, retry] = useAsked(key, every, (signal) => fetchRootCause(question(), signal));
  const [shared, retryShared] = useAsked(key, 2 * every, (signal) => fetchShared(range(), signal));
  const [session] = useAsked("session", SESSION_EVERY_MS, fetchSession);
  useEffect(() => {
    document.title = "Root cause · Drishti";
  }, []);
  const show = (changed: CauseChoice) => go(CAUSES_PATH + queryOf(changed, CAUSE_FIELDS), { stay: true });
  const opened = () => {
    retry();
    retryShared();
  };
  return (
    <ExplorerFrame places={places} path={CAUSES_PATH} go={go} asked={answer} every={every} now={now} theme={theme} json={`root-cause?${question()}`} what="this answer" opened={opened}>
      <RootCausePage answer={answer} shared={shared} choice={choice} show={show} retry={retry} retryShared={retryShared} now={now} jaeger={session.value?.jaeger_ui_url ?? ""} />
    </ExplorerFrame>
  );
}
