/** The frame around the list of all dashboards. */
import { useEffect } from "preact/hooks";
import { beginSession, fetchSession } from "../live/analytics.ts";
import { checkDashboard, deleteDashboard, fetchCatalogue } from "../live/dashboards.ts";
import { DASHBOARDS_PATH, editorAddress } from "../model/dashboards.ts";
import { DashboardsPage } from "../pages/dashboards.tsx";
import { EditorKey } from "./banner.tsx";
import { ExplorerFrame, type ExplorerProps, SESSION_EVERY_MS, useClock } from "./explorer-frame.tsx";
import { handOver } from "../live/handed-over.ts";
import { useAsked } from "../live/use-asked.ts";

const EVERY_MS = 15_000;

interface Props extends ExplorerProps {
  pinned: readonly string[];
  pin: (name: string) => void;
  /** Others have to know, too. */
  changed: () => void;
}

export function DashboardsView({ places, go, theme, pinned, pin, changed }: Props) {
  const now = useClock();
  const [list, retry] = useAsked("dashboards", EVERY_MS, fetchCatalogue);
  const [session, askSession] = useAsked("session", SESSION_EVERY_MS, fetchSession);
  useEffect(() => {
    document.title = "All dashboards · Drishti";
  }, []);
  const opened = () => {
    askSession();
    retry();
    changed();
  };
  const take = async (text: string) => {
    try {
      const { faults, document } = await checkDashboard(text);
      if (!document) return faults.map((fault) => [fault.field, fault.error].filter(Boolean).join(": ")).join("; ");
      handOver(document);
      go(editorAddress({ import: "file" }));
      return "";
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  return (
    <ExplorerFrame places={places} path={DASHBOARDS_PATH} go={go} asked={list} every={EVERY_MS} now={now} theme={theme} json="../dashboards" what="dashboards" opened={opened}>
      <DashboardsPage
        list={list}
        session={session.value}
        pinned={pinned}
        pin={pin}
        take={take}
        remove={async (dashboard) => {
          try {
            await deleteDashboard(dashboard.name, dashboard.revision ?? 0);
          } finally {
            retry();
            changed();
          }
        }}
        retry={retry}
        every={EVERY_MS}
        now={now}
        keyForm={<EditorKey begin={beginSession} opened={opened} />}
      />
    </ExplorerFrame>
  );
}
