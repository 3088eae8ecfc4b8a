/** A panel of what models say, as it would be drawn: of what was said in the last hour. */
import { useMemo } from "preact/hooks";
import { gatewayNow } from "../live/analytics.ts";
import { fetchHistory } from "../live/notes.ts";
import { useAsked } from "../live/use-asked.ts";
import { Board } from "../model/board.ts";
import { insightsAt } from "../model/notes.ts";
import type { InsightPanel } from "../model/panels.ts";
import { AskedAnswer } from "./asked-answer.tsx";
import { ForecastScores, InsightList } from "./insight-lists.tsx";
import type { Drawn } from "./panel-data.ts";

const HOUR_MS = 3_600_000;
const EVERY_MS = 60_000;

export function InsightPreview({ panel, drawn }: { panel: InsightPanel; drawn: Drawn }) {
  const [asked, retry] = useAsked("insights", EVERY_MS, async (signal) => {
    const to = gatewayNow();
    const { insights } = await fetchHistory({ from: to - HOUR_MS, to }, signal);
    return { to, insights };
  });
  const board = useMemo(() => {
    const { to = 0, insights = [] } = asked.value ?? {};
    return Object.assign(new Board().saying(insightsAt(insights, { from: to - HOUR_MS }, to)), { frames: 1, ts: to });
  }, [asked.value]);
  // What the rest of the dashboard shows is not known here.
  const shown = panel.metrics || panel.all_metrics ? panel : { ...panel, all_metrics: true };
  const seen = { ...drawn, board, now: asked.value?.to ?? drawn.now };
  return (
    <AskedAnswer asked={asked} retry={retry}>
      {() => (
        <>
          {shown.kind === "forecast_scores" ? <ForecastScores panel={shown} drawn={seen} /> : <InsightList panel={shown} drawn={seen} />}
          {shown !== panel && <p class="muted">Here: what was said of any metric in the last hour.</p>}
        </>
      )}
    </AskedAnswer>
  );
}
