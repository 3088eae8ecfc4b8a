/** The frame around the editor of a dashboard: what is opened, for whom, and where one goes from there. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Builder } from "../builder/builder.tsx";
import { generated, generatedOf } from "../builder/generated.ts";
import { beginSession, fetchMetrics, fetchSession } from "../live/analytics.ts";
import { checkDashboard, fetchDashboard, storeDashboard } from "../live/dashboards.ts";
import type { Dashboard } from "../model/catalogue.ts";
import type { DashboardDocument } from "../model/contracts.ts";
import { DASHBOARDS_PATH, editorAddress, openedOf } from "../model/dashboards.ts";
import { download } from "../panels/download.ts";
import { ASK } from "./ask.ts";
import { EditorKey } from "./banner.tsx";
import { ExplorerFrame, type ExplorerProps, SESSION_EVERY_MS, useClock } from "./explorer-frame.tsx";
import { handedOver } from "../live/handed-over.ts";
import { useAsked } from "../live/use-asked.ts";
import { useKeyRefused } from "../live/use-key-refused.ts";
import { useUnsaved } from "./use-unsaved.ts";

const METRICS_EVERY_MS = 60_000;
/** Asked once: what is edited does not change under the editor. */
const NEVER_MS = 1_000_000_000;
const STORING = { check: checkDashboard, store: storeDashboard };

interface Props extends ExplorerProps {
  dashboards: Dashboard[] | null;
  /** Others have to know, too. */
  changed: () => void;
}

interface Begun {
  document: DashboardDocument;
  stored: boolean;
  revision: number;
}

export function EditorView({ query, places, go, theme, dashboards, changed }: Props) {
  const opened = openedOf(query);
  const now = useClock();
  const [metrics, askMetrics] = useAsked("metrics", METRICS_EVERY_MS, fetchMetrics);
  const [session, askSession] = useAsked("session", SESSION_EVERY_MS, fetchSession);
  const wanted = opened.from === "dashboard" || opened.from === "copy" ? opened.name : null;
  const [there, askThere] = useAsked(wanted, NEVER_MS, (signal) => fetchDashboard(wanted ?? "", signal));
  const [setUnsaved, mayLeave] = useUnsaved();
  const kept = useRef<Begun | null>(null);
  const taken = useMemo(() => new Set(dashboards?.map((one) => one.name)), [dashboards]);
  if (!kept.current) kept.current = begun();
  const first = kept.current;
  useEffect(() => {
    document.title = `Edit ${first?.document.title || "dashboard"} · Drishti`;
  }, [first?.document.title]);
  const again = () => {
    askSession();
    askMetrics();
    askThere();
    changed();
  };
  useKeyRefused(() => {
    askSession();
    askMetrics();
  });
  const guarded: ExplorerProps["go"] = (to, how) => {
    if (mayLeave()) go(to, how);
  };
  const failure = there.failure ?? (metrics.value ? null : metrics.failure);
  return (
    <ExplorerFrame places={places} path={DASHBOARDS_PATH} go={guarded} asked={metrics} every={METRICS_EVERY_MS} now={now} theme={theme} json="../dashboards" what="dashboards" opened={again}>
      {failure && !failure.key && (
        <div class="banner bad" role="alert">
          <p>It cannot be opened: {failure.why}</p>
          <button type="button" onClick={again}>
            Try now
          </button>
        </div>
      )}
      {!first && !failure && (
        <p class="panel empty" role="status">
          Loading…
        </p>
      )}
      {first && metrics.value && (
        <Builder
          first={first.document}
          stored={first.stored}
          revision={first.revision}
          taken={taken}
          metrics={metrics.value.metrics}
          session={session.value}
          storing={STORING}
          ask={ASK}
          theme={theme}
          setUnsaved={setUnsaved}
          handedOver={opened.from === "import"}
          saved={(dashboard) => {
            changed();
            // A reload goes on with what is stored now, and not with the copy that it was made from.
            if (!first.stored) history.replaceState(null, "", editorAddress({ dashboard: dashboard.name }));
            kept.current = { document: dashboard.document, stored: true, revision: dashboard.revision ?? 0 };
          }}
          leave={() => guarded(first.stored ? `/api/dashboard/dashboard/${first.document.name}` : DASHBOARDS_PATH)}
          download={download}
          keyForm={<EditorKey begin={beginSession} opened={again} />}
        />
      )}
    </ExplorerFrame>
  );

  /** What is edited at first; `null` until it has come. */
  function begun(): Begun | null {
    const anew = (document: DashboardDocument): Begun => ({ document: { ...document, name: freeName(document.name, taken) }, stored: false, revision: 0 });
    if (opened.from === "nothing") return { document: { name: "", title: "", panels: [] }, stored: false, revision: 0 };
    if (!dashboards || !metrics.value) return null;
    if (opened.from === "value") return anew(generatedOf(opened.label, opened.value, metrics.value.metrics));
    if (!("name" in opened)) return anew(handedOver() ?? { name: "", title: "", panels: [] });
    if (opened.from === "dashboard" || opened.from === "copy") {
      if (!there.value) return null;
      const { document, own, revision = 0 } = there.value;
      // One that everybody has is copied, whichever way it was opened.
      if (opened.from === "dashboard" && own) return { document, stored: true, revision };
      return anew({ ...document, name: `${document.name}-copy`.slice(0, 60), title: `${document.title} (copy)` });
    }
    return anew(generated(opened.name, metrics.value.metrics));
  }
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let number = 2;
  while (taken.has(`${name}-${number}`)) number += 1;
  return `${name}-${number}`;
}
