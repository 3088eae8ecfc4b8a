/** The frame around the page of errors, and around one of them. */
import { useEffect } from "preact/hooks";
import { beginSession, fetchSession, gatewayNow } from "../live/analytics.ts";
import { changeError, fetchError, fetchErrors, fetchShared } from "../live/explorer.ts";
import { askedOf, choiceOf, ERROR_FIELDS, type ErrorChoice, ERRORS_PATH, queryOf } from "../model/explorer-choice.ts";
import { ownShown, withoutOwnUnless } from "../model/own-services.ts";
import { everyMs } from "../model/time-range.ts";
import { ErrorPage } from "../pages/error.tsx";
import { ErrorsPage } from "../pages/errors.tsx";
import { EditorKey } from "./banner.tsx";
import { ExplorerFrame, type ExplorerProps, SESSION_EVERY_MS, useClock } from "./explorer-frame.tsx";
import { useAsked } from "../live/use-asked.ts";
import { usePages } from "./use-pages.ts";

/** Columns of the small charts. */
const STEPS = 30;
/** Comparing traces is work: not with every look at the list. */
const SHARED_EVERY_MS = 60_000;
const LIST_FIELDS = ["service", "status", "text", "order"] as const;

export function ErrorsView({ query, places, go, theme }: ExplorerProps) {
  const choice = choiceOf(query, ERROR_FIELDS);
  const now = useClock();
  const every = everyMs(choice);
  const { error } = choice;
  const listKey = error ? null : queryOf(choice, ERROR_FIELDS) || "?";
  const conditions = (more: Record<string, string> = {}) => {
    const asked = withoutOwnUnless(ownShown(choice.own !== "", choice.service), askedOf(choice, LIST_FIELDS, gatewayNow()));
    for (const [name, value] of Object.entries({ steps: String(STEPS), ...more })) asked.set(name, value);
    return asked;
  };
  const range = () => askedOf(choice, [], gatewayNow());
  const oneKey = error ? queryOf({ ...choice, service: "", status: "", text: "", order: "", own: "" }, ERROR_FIELDS) : null;
  const [list, retry] = useAsked(listKey, every, (signal) => fetchErrors(conditions(), signal));
  const [one, retryOne] = useAsked(oneKey, every, (signal) => fetchError(error, range(), signal));
  const [shared, retryShared] = useAsked(oneKey, Math.max(every, SHARED_EVERY_MS), (signal) => {
    const asked = range();
    asked.set("error", error);
    return fetchShared(asked, signal);
  });
  const [session, askSession] = useAsked(error ? "session" : null, SESSION_EVERY_MS, fetchSession);
  const { pages, more, why } = usePages(listKey, list.value, (at, signal) => fetchErrors(conditions(at), signal));

  useEffect(() => {
    document.title = `${error && one.value ? one.value.error.title : error ? "Error" : "Errors"} · Drishti`;
  }, [error, one.value?.error.title]);

  const show = (changed: Partial<ErrorChoice>) => go(ERRORS_PATH + queryOf({ ...choice, ...changed }, ERROR_FIELDS), { stay: true });
  const change = async (status: "ignored" | "open" | "resolved", version: string) => {
    await changeError(error, status, version);
    retryOne();
  };
  const opened = () => {
    retry();
    retryOne();
    retryShared();
    askSession();
  };
  const asked = error ? one : list;
  const json = error ? `errors/${encodeURIComponent(error)}?${askedOf(choice, [], now)}` : `errors?${conditions()}`;
  return (
    <ExplorerFrame places={places} path={ERRORS_PATH} go={go} asked={asked} every={every} now={now} theme={theme} json={json} what={error ? "this error" : "these errors"} opened={opened}>
      {error ? (
        <ErrorPage
          error={one}
          shared={shared}
          session={session.value}
          choice={choice}
          show={show}
          change={change}
          retry={retryOne}
          retryShared={retryShared}
          now={now}
          keyForm={<EditorKey begin={beginSession} opened={opened} />}
        />
      ) : (
        <ErrorsPage list={list} errors={pages.flatMap((page) => page.errors)} more={more} why={why} choice={choice} show={show} retry={retry} now={now} />
      )}
    </ExplorerFrame>
  );
}
