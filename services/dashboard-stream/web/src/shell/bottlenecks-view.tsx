/** The frame around the page of bottlenecks. */
import { useEffect } from "preact/hooks";
import { fetchSession, gatewayNow } from "../live/analytics.ts";
import { fetchBottlenecks } from "../live/explorer.ts";
import { askedOf, BOTTLENECK_FIELDS, type BottleneckChoice, BOTTLENECKS_PATH, choiceOf, queryOf } from "../model/explorer-choice.ts";
import { ownShown, withoutOwnUnless } from "../model/own-services.ts";
import { everyMs } from "../model/time-range.ts";
import { BottlenecksPage } from "../pages/bottlenecks.tsx";
import { ExplorerFrame, type ExplorerProps, SESSION_EVERY_MS, useClock } from "./explorer-frame.tsx";
import { useAsked } from "../live/use-asked.ts";

export function BottlenecksView({ query, places, go, theme }: ExplorerProps) {
  const choice = choiceOf(query, BOTTLENECK_FIELDS);
  const now = useClock();
  const every = everyMs(choice);
  const conditions = () => withoutOwnUnless(ownShown(choice.own !== "", choice.service), askedOf(choice, BOTTLENECK_FIELDS, gatewayNow()));
  const [answer, retry] = useAsked(queryOf(choice, BOTTLENECK_FIELDS), every, (signal) => fetchBottlenecks(conditions(), signal));
  const [session] = useAsked("session", SESSION_EVERY_MS, fetchSession);
  useEffect(() => {
    document.title = "Bottlenecks · Drishti";
  }, []);
  const show = (changed: Partial<BottleneckChoice>) => go(BOTTLENECKS_PATH + queryOf({ ...choice, ...changed }, BOTTLENECK_FIELDS), { stay: true });
  const json = `bottlenecks?${conditions()}`;
  return (
    <ExplorerFrame places={places} path={BOTTLENECKS_PATH} go={go} asked={answer} every={every} now={now} theme={theme} json={json} what="these bottlenecks" opened={retry}>
      <BottlenecksPage answer={answer} choice={choice} show={show} retry={retry} now={now} jaeger={session.value?.jaeger_ui_url ?? ""} />
    </ExplorerFrame>
  );
}
