/** The frame around the page of keys and settings: who looks at it, what is asked for that, and what is changed. */
import { useEffect } from "preact/hooks";
import { endSession, fetchSession, NoAnswer } from "../live/analytics.ts";
import { fetchKeys, fetchSetup, makeKey, revokeKey } from "../live/keys.ts";
import { useAsked } from "../live/use-asked.ts";
import { SETTINGS_PATH } from "../model/dashboards.ts";
import { dayAndTime } from "../model/format.ts";
import type { Key, NewKey } from "../model/keys.ts";
import { KeysPanel } from "../pages/keys.tsx";
import { type AskedSetup, SettingsPanels } from "../pages/settings.tsx";
import "../pages/settings.css";
import { AdminKey } from "./admin-key.tsx";
import { ExplorerFrame, type ExplorerProps, useClock } from "./explorer-frame.tsx";

const SESSION_EVERY_MS = 60_000;
const KEYS_EVERY_MS = 15_000;
const SETUP_EVERY_MS = 30_000;
const NEEDS_ADMIN = "To see and change keys, a key with the role admin is needed";

export function SettingsView({ places, go, theme }: ExplorerProps) {
  const now = useClock();
  const [session, askSession] = useAsked("session", SESSION_EVERY_MS, fetchSession);
  const known = session.value;
  const [keys, askKeys] = useAsked(known?.may_administer ? `keys ${known.key_id}` : null, KEYS_EVERY_MS, fetchKeys);
  const [gateway, askGateway] = useAsked("gateway", SETUP_EVERY_MS, (signal) => fetchSetup("gateway", signal));
  const [analytics, askAnalytics] = useAsked("analytics", SETUP_EVERY_MS, (signal) => fetchSetup("analytics", signal));
  const [dashboards, askDashboards] = useAsked("dashboard-stream", SETUP_EVERY_MS, (signal) => fetchSetup("dashboard-stream", signal));
  const services: AskedSetup[] = [
    { name: "gateway", asked: gateway, retry: askGateway },
    { name: "analytics", asked: analytics, retry: askAnalytics },
    { name: "dashboard-stream", asked: dashboards, retry: askDashboards },
  ];
  useEffect(() => {
    document.title = "Keys and settings · Drishti";
  }, []);
  const opened = () => {
    askSession();
    askKeys();
    for (const { retry } of services) retry();
  };
  const make = async (wanted: NewKey) => {
    try {
      const made = await makeKey(wanted);
      askKeys();
      return { made };
    } catch (error) {
      askSession();
      return { failure: { why: sentence(error), field: error instanceof NoAnswer ? error.field : "" } };
    }
  };
  const revoke = async (key: Key) => {
    let problem = "";
    try {
      await revokeKey(key.id);
    } catch (error) {
      problem = sentence(error);
    }
    askKeys();
    if (key.own || problem) askSession();
    return problem;
  };
  const locked = !known ? "" : known.may_administer ? "" : known.key_problem ? `${known.key_problem}.` : known.has_key ? `The key of this browser has the role ${known.role}. ${NEEDS_ADMIN}.` : `${NEEDS_ADMIN}.`;
  return (
    <ExplorerFrame places={places} path={SETTINGS_PATH} go={go} asked={session} every={SESSION_EVERY_MS} now={now} theme={theme} json="session" what="this session" opened={opened}>
      <div class="heading">
        <div>
          <h1>Keys and settings</h1>
          {known && (
            <p class="muted">
              Tenant <bdi>{known.tenant}</bdi>.{" "}
              {known.has_key ? (
                <>
                  This browser holds a key with the role {known.role}
                  {known.expires ? `, which expires ${dayAndTime(known.expires)}` : ""}.{" "}
                  <button type="button" class="link" onClick={() => void endSession().then(opened, opened)}>
                    Forget the key
                  </button>
                </>
              ) : (
                "This browser holds no key."
              )}
            </p>
          )}
        </div>
      </div>
      {known && (
        <KeysPanel list={keys} locked={locked} make={make} revoke={revoke} retry={askKeys} origin={location.origin} keyForm={<AdminKey opened={opened} />} />
      )}
      {known && <SettingsPanels services={services} />}
    </ExplorerFrame>
  );
}

function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}
