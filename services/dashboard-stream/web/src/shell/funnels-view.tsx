/** The frame around the page of funnels. */
import { useEffect } from "preact/hooks";
import { gatewayNow } from "../live/analytics.ts";
import { fetchEventNames, fetchFunnel } from "../live/product.ts";
import { useAsked } from "../live/use-asked.ts";
import { useSampled } from "../live/use-sampled.ts";
import { FUNNELS_PATH, type QuestionChoice, questionChoiceOf, questionQueryOf, sentOf } from "../model/product.ts";
import { everyMs } from "../model/time-range.ts";
import { FunnelsPage } from "../pages/funnels.tsx";
import { ExplorerFrame, type ExplorerProps, NAMES_EVERY_MS, useClock } from "./explorer-frame.tsx";

export function FunnelsView({ query, places, go, theme }: ExplorerProps) {
  const choice = questionChoiceOf(query);
  const { question } = choice;
  const now = useClock();
  const every = everyMs(choice);
  const [answer, retry] = useSampled(question && questionQueryOf(choice), every, (sample, signal) => fetchFunnel({ ...sentOf(question ?? {}, choice, gatewayNow()), ...(sample ? { sample } : {}) }, signal));
  const [names, retryNames] = useAsked("names", NAMES_EVERY_MS, fetchEventNames);
  useEffect(() => {
    document.title = "Funnels · Drishti";
  }, []);
  const show = (changed: Partial<QuestionChoice>) => go(FUNNELS_PATH + questionQueryOf({ ...choice, ...changed }), { stay: true });
  const opened = () => {
    retry();
    retryNames();
  };
  return (
    <ExplorerFrame places={places} path={FUNNELS_PATH} go={go} asked={question ? answer : names} every={question ? every : NAMES_EVERY_MS} now={now} theme={theme} opened={opened}>
      <FunnelsPage answer={answer} names={names} choice={choice} show={show} retry={retry} now={now} />
    </ExplorerFrame>
  );
}
