/** The frame around the page of log records. */
import { useEffect } from "preact/hooks";
import { fetchSession, gatewayNow } from "../live/analytics.ts";
import { fetchLogs, fetchTemplates } from "../live/explorer.ts";
import { askedOf, choiceOf, LOG_FIELDS, type LogChoice, LOGS_PATH, queryOf } from "../model/explorer-choice.ts";
import { ownShown, withoutOwnUnless } from "../model/own-services.ts";
import { everyMs } from "../model/time-range.ts";
import { LogsPage } from "../pages/logs.tsx";
import { ExplorerFrame, type ExplorerProps, SESSION_EVERY_MS, useClock } from "./explorer-frame.tsx";
import { useAsked } from "../live/use-asked.ts";
import { usePages } from "./use-pages.ts";

const STEPS = 30;
const RECORDS = 100;
const TEMPLATE_FIELDS = ["service", "severity"] as const;

export function LogsView({ query, places, go, theme }: ExplorerProps) {
  const choice = choiceOf(query, LOG_FIELDS);
  const now = useClock();
  const every = everyMs(choice);
  const key = queryOf(choice, LOG_FIELDS);
  const templatesKey = choice.trace_id ? null : queryOf({ ...choice, template: "", text: "", trace_id: "" }, LOG_FIELDS);
  const own = ownShown(choice.own !== "" || choice.trace_id !== "", choice.service);
  const [templates, retryTemplates] = useAsked(templatesKey, 2 * every, (signal) => {
    const asked = withoutOwnUnless(own, askedOf(choice, TEMPLATE_FIELDS, gatewayNow()));
    asked.set("steps", String(STEPS));
    return fetchTemplates(asked, signal);
  });
  const conditions = (at: Record<string, string> = {}) => {
    const asked = withoutOwnUnless(own, askedOf({ ...choice, template: "" }, LOG_FIELDS, gatewayNow()));
    for (const id of choice.template.split(",").filter(Boolean)) asked.append("template", id);
    for (const [name, value] of Object.entries({ limit: String(RECORDS), ...at })) asked.set(name, value);
    return asked;
  };
  const [list, retry] = useAsked(key, every, (signal) => fetchLogs(conditions(), signal));
  const { pages, more, why } = usePages(key, list.value, (at, signal) => fetchLogs(conditions(at), signal));
  const [session] = useAsked("session", SESSION_EVERY_MS, fetchSession);
  useEffect(() => {
    document.title = "Logs · Drishti";
  }, []);
  const show = (changed: Partial<LogChoice>) => go(LOGS_PATH + queryOf({ ...choice, ...changed }, LOG_FIELDS), { stay: true });
  const opened = () => {
    retry();
    retryTemplates();
  };
  return (
    <ExplorerFrame places={places} path={LOGS_PATH} go={go} asked={list} every={every} now={now} theme={theme} json={`logs?${conditions()}`} what="these records" opened={opened}>
      <LogsPage
        templates={templates}
        list={list}
        records={pages.flatMap((page) => page.records)}
        more={more}
        why={why}
        choice={choice}
        show={show}
        retry={retry}
        retryTemplates={retryTemplates}
        now={now}
        jaeger={session.value?.jaeger_ui_url ?? ""}
      />
    </ExplorerFrame>
  );
}
