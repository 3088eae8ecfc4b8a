/** What models say, as panels of their own: anomalies one by one, incidents, and how accurate forecasts were. */
import { scored, unscored } from "../model/forecasts.ts";
import type { EventsPanel, ForecastScoresPanel, IncidentsPanel } from "../model/contracts.ts";
import { isOpen } from "../model/incidents.ts";
import { concerned, groupsOf } from "../model/insight-panels.ts";
import { Item } from "./insights-panel.tsx";
import { type Drawn, metricsOf } from "./panel-data.ts";
import { Scores } from "./score-card.tsx";

const TOP = { events: 20, incidents: 10 };

/** Of a panel of events each anomaly by itself, of one of incidents those together that began together. */
export function InsightList({ panel, drawn }: { panel: EventsPanel | IncidentsPanel; drawn: Drawn }) {
  const groups = groupsOf(panel, drawn.board.insights.values(), metricsOf(drawn), drawn.now);
  const top = panel.top ?? TOP[panel.kind];
  const open = groups.filter(isOpen).length;
  return (
    <article class="panel insights feed">
      <h2>
        {panel.title}
        <small>{open ? `${open} open` : "none open"}</small>
      </h2>
      {groups.length === 0 ? (
        <p class="empty">{drawn.board.frames || drawn.board.range ? `No ${panel.kind === "events" ? "anomalies" : "incidents"} reported. Models report what is unusual once they have learnt what is usual.` : "Waiting for the first data"}</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label={panel.title}>
          <ul>
            {groups.slice(0, top).map((group) => (
              <Item key={group.map((one) => one.insight.key).sort()[0]} group={group} units={drawn.units} now={drawn.now} />
            ))}
          </ul>
        </div>
      )}
      {groups.length > top && <p class="muted">and {groups.length - top} more</p>}
    </article>
  );
}

export function ForecastScores({ panel, drawn }: { panel: ForecastScoresPanel; drawn: Drawn }) {
  const insights = concerned(panel, drawn.board.insights.values(), metricsOf(drawn));
  if (scored(insights).length || unscored(insights)) return <Scores title={panel.title} insights={insights} units={drawn.units} now={drawn.now} />;
  return (
    <article class="panel">
      <h2>{panel.title}</h2>
      <p class="empty">No forecast has been scored yet. A forecast is compared with what happened once its time has come.</p>
    </article>
  );
}
