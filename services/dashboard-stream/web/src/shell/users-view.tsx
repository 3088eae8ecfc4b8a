/** The frame around the page of users. */
import { useEffect, useState } from "preact/hooks";
import { fetchUsers, fetchUsersOf } from "../live/product.ts";
import { useAsked } from "../live/use-asked.ts";
import { USERS_PATH, type UsersChoice, usersChoiceOf, usersLink } from "../model/product.ts";
import { userChoiceOf } from "../model/timeline.ts";
import { UsersPage } from "../pages/users.tsx";
import { ExplorerFrame, type ExplorerProps, useClock } from "./explorer-frame.tsx";
import { UserView } from "./user-view.tsx";

const EVERY_MS = 60_000;
/** Users that are asked for first, and when more are wanted: as many as there can be. */
const FEW = 50;
const MOST_KNOWN = 200;
const MOST_LISTED = 1_000;

/** One user where the address names one, else a list of them. */
export function UsersView(props: ExplorerProps) {
  return userChoiceOf(props.query).user ? <UserView {...props} /> : <ListView {...props} />;
}

function ListView({ query, places, go, theme }: ExplorerProps) {
  const choice = usersChoiceOf(query);
  const { of, question, prefix } = choice;
  const now = useClock();
  const [whole, setWhole] = useState<string | null>(null);
  const all = whole === query;
  const limit = !all ? FEW : question ? MOST_LISTED : MOST_KNOWN;
  const key = JSON.stringify([of, question, prefix, limit]);
  const [list, retryList] = useAsked(question ? key : null, EVERY_MS, (signal) => fetchUsersOf(of, { ...question, limit }, signal));
  const [known, retryKnown] = useAsked(question ? null : key, EVERY_MS, (signal) => fetchUsers(prefix, limit, signal));
  useEffect(() => {
    document.title = "Users · Drishti";
  }, []);
  const isCut = question ? list.value !== null && list.value.users.length < list.value.total : known.value?.more === true;
  const show = (changed: Partial<UsersChoice>) => go(usersLink({ ...choice, ...changed }), { stay: true });
  const retry = question ? retryList : retryKnown;
  return (
    <ExplorerFrame places={places} path={USERS_PATH} go={go} asked={question ? list : known} every={EVERY_MS} now={now} theme={theme} opened={retry}>
      <UsersPage known={known} list={list} choice={choice} show={show} retry={retry} more={isCut && !all ? () => setWhole(query) : null} now={now} />
    </ExplorerFrame>
  );
}
