/** The frame around the page of one user. */
import { useEffect } from "preact/hooks";
import { fetchEventNames, fetchPerson, fetchTimeline } from "../live/product.ts";
import { useAsked } from "../live/use-asked.ts";
import { USERS_PATH } from "../model/product.ts";
import { timelineConditions, type UserChoice, userChoiceOf, userLink } from "../model/timeline.ts";
import { UserPage } from "../pages/user.tsx";
import { ExplorerFrame, type ExplorerProps, NAMES_EVERY_MS, useClock } from "./explorer-frame.tsx";
import { usePages } from "./use-pages.ts";

const EVERY_MS = 30_000;
const PERSON_EVERY_MS = 120_000;

export function UserView({ query, places, go, theme }: ExplorerProps) {
  const choice = userChoiceOf(query);
  const { user, ...conditions } = choice;
  const now = useClock();
  const key = timelineConditions(choice).toString();
  const ask = async (before: string, signal: AbortSignal) => paged(await fetchTimeline(new URLSearchParams([...timelineConditions(choice), ...(before ? [["before", before]] : [])]), signal));
  const [person, retryPerson] = useAsked(user, PERSON_EVERY_MS, (signal) => fetchPerson(user, signal));
  const [timeline, retry] = useAsked(key, EVERY_MS, (signal) => ask("", signal));
  const [names] = useAsked("names", NAMES_EVERY_MS, fetchEventNames);
  const { pages, more, why, newest } = usePages(key, timeline.value, ({ cursor }, signal) => ask(cursor, signal));
  useEffect(() => {
    document.title = `${user} · Drishti`;
  }, [user]);
  const show = (changed: Partial<UserChoice>) => go(userLink(user, { ...conditions, ...changed }), { stay: true });
  const opened = () => {
    retryPerson();
    retry();
  };
  return (
    <ExplorerFrame places={places} path={USERS_PATH} go={go} asked={timeline} every={EVERY_MS} now={now} theme={theme} json={`timeline?${key}`} what="this timeline" opened={opened}>
      <UserPage person={person} timeline={timeline} pages={pages} more={more} newest={newest} why={why} names={names.value} choice={choice} show={show} retryPerson={retryPerson} retry={retry} now={now} />
    </ExplorerFrame>
  );
}

/** As a page of any list is. */
function paged<T extends { before?: string }>(answer: T): T & { from: number; to: number; cursor: string } {
  return { ...answer, from: 0, to: 0, cursor: answer.before ?? "" };
}
