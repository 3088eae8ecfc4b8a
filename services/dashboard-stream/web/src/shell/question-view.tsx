/** The frame around a page of a question about users. */
import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import { gatewayNow } from "../live/analytics.ts";
import { fetchEventNames } from "../live/product.ts";
import { useAsked } from "../live/use-asked.ts";
import { useSampled } from "../live/use-sampled.ts";
import { type Body, type QuestionChoice, questionChoiceOf, questionQueryOf, sentOf } from "../model/product.ts";
import { everyMs } from "../model/time-range.ts";
import type { QuestionPageProps } from "../panels/asked-by-form.tsx";
import { ExplorerFrame, type ExplorerProps, NAMES_EVERY_MS, useClock } from "./explorer-frame.tsx";

interface View<A> {
  title: string;
  path: string;
  ask: (question: Body, signal: AbortSignal) => Promise<A>;
  Page: FunctionComponent<QuestionPageProps<A>>;
  /** What is asked where the address names no question; `null`: nothing. */
  first: Body | null;
}

export function questionView<A extends object>({ title, path, ask, Page, first }: View<A>): FunctionComponent<ExplorerProps> {
  return ({ query, places, go, theme }) => {
    const given = questionChoiceOf(query);
    const choice = { ...given, question: given.question ?? first };
    const { question } = choice;
    const now = useClock();
    const every = everyMs(choice);
    const [answer, retry] = useSampled(question && questionQueryOf(choice), every, (sample, signal) => ask({ ...sentOf(question ?? {}, choice, gatewayNow()), ...(sample ? { sample } : {}) }, signal));
    const [names, retryNames] = useAsked("names", NAMES_EVERY_MS, fetchEventNames);
    useEffect(() => {
      document.title = `${title} · Drishti`;
    }, []);
    const show = (changed: Partial<QuestionChoice>) => go(path + questionQueryOf({ ...choice, ...changed }), { stay: true });
    const opened = () => {
      retry();
      retryNames();
    };
    return (
      <ExplorerFrame places={places} path={path} go={go} asked={question ? answer : names} every={question ? every : NAMES_EVERY_MS} now={now} theme={theme} opened={opened}>
        <Page answer={answer} names={names} choice={choice} show={show} retry={retry} now={now} />
      </ExplorerFrame>
    );
  };
}
