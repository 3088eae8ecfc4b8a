/** The page of incidents: all that are open or were, each leading to its metric, its root cause and its traces. */
import type { Asked } from "../model/asked.ts";
import type { Units } from "../model/catalogue.ts";
import type { IncidentChoice } from "../model/explorer-choice.ts";
import { whole } from "../model/format.ts";
import { incidentGroups, notesOf, servicesOf } from "../model/incident-history.ts";
import { isOpen } from "../model/incidents.ts";
import { insightsAt, type InsightVersion } from "../model/notes.ts";
import { ownShown } from "../model/own-services.ts";
import { boundsOf, rangeInWords } from "../model/time-range.ts";
import { AskedAnswer } from "../panels/asked-answer.tsx";
import { IncidentList, NoteList } from "../panels/insights-panel.tsx";
import { Notice } from "../panels/notice.tsx";
import { OwnSwitch } from "../panels/own-switch.tsx";
import { TimeRange } from "../panels/time-range.tsx";

/** More are found by conditions. */
const MOST_SHOWN = 200;

/** What models said within the range, and why it is not all of it (empty: it is). */
interface History {
  insights: InsightVersion[];
  problem: string;
}

interface Props {
  history: Asked<History>;
  units: Units;
  choice: IncidentChoice;
  show: (changed: Partial<IncidentChoice>) => void;
  retry: () => void;
  now: number;
}

export function IncidentsPage({ history, units, choice, show, retry, now }: Props) {
  return (
    <div class="traces incidents">
      <h1>Incidents</h1>
      <Conditions choice={choice} show={show} now={now} services={history.value ? servicesOf(history.value.insights, ownShown(choice.own !== "", choice.service)) : []} />
      <AskedAnswer asked={history} retry={retry}>
        {(found) => <Found history={found} units={units} choice={choice} show={show} retry={retry} now={now} />}
      </AskedAnswer>
    </div>
  );
}

function Found({ history, units, choice, show, retry, now }: Omit<Props, "history"> & { history: History }) {
  // What was open at the end of a past range is shown as it was then.
  const then = choice.to ? Math.min(choice.to, now) : now;
  const newest = insightsAt(history.insights, boundsOf(choice, now), then);
  const all = incidentGroups(newest, then, choice);
  const groups = all.slice(0, MOST_SHOWN);
  const open = groups.filter(isOpen);
  const stays = groups.filter((group) => !isOpen(group) && group.some((one) => one.stays));
  const over = groups.filter((group) => !isOpen(group) && !stays.includes(group));
  const sorts = [all.filter(isOpen), all.filter((group) => !isOpen(group) && group.some((one) => one.stays))].map((some) => some.length) as [number, number];
  const said = [`${whole(sorts[0])} open`, ...(sorts[1] ? [`${whole(sorts[1])} not recovered`] : []), `${whole(all.length - sorts[0] - sorts[1])} resolved`].join(", ");
  const others = choice.status || choice.severity || choice.service ? [] : notesOf(newest, choice.text);
  const bare = !choice.status && !choice.severity && !choice.service && !choice.text;
  return (
    <>
      {history.problem && (
        <Notice tone="warn" action="Try again" act={retry}>
          Not all of it is here: {history.problem}.
        </Notice>
      )}
      <section class="panel insights" aria-label="Incidents found">
        <p class="calm" role="status">
          {all.length === 0
            ? `No incident ${bare ? "was reported" : "meets these conditions"} ${rangeInWords(choice, now)}.`
            : `${said} ${rangeInWords(choice, now)}.`}
          {all.length > groups.length && ` The first ${groups.length} are shown.`}
        </p>
        {all.length === 0 && bare && (
          <p class="muted">
            Models report what is unusual once they know what is usual, which takes some minutes of traffic. What they watch is on the page <a href="/api/dashboard/metrics">Metrics</a>.
          </p>
        )}
        {all.length === 0 && !bare && (
          <button type="button" class="more" onClick={() => show({ status: "", severity: "", service: "", text: "" })}>
            Clear conditions
          </button>
        )}
        {open.length > 0 && <IncidentList title="Open" groups={open} units={units} now={then} />}
        {stays.length > 0 && <IncidentList title="Not recovered, taken as the new normal" groups={stays} units={units} now={then} />}
        {over.length > 0 && <IncidentList title="Resolved" groups={over} units={units} now={then} />}
        {others.length > 0 && (
          <>
            <h3>Reports and changes</h3>
            <NoteList notes={others} now={now} />
          </>
        )}
      </section>
    </>
  );
}

function Conditions({ choice, show, now, services }: Pick<Props, "choice" | "show" | "now"> & { services: string[] }) {
  const chosen = choice.service && !services.includes(choice.service) ? [choice.service, ...services] : services;
  const searched = (event: SubmitEvent) => {
    event.preventDefault();
    show({ text: String(new FormData(event.currentTarget as HTMLFormElement).get("text") ?? "").trim() });
  };
  return (
    <form class="panel trace-conditions" aria-label="Conditions" onSubmit={searched}>
      <TimeRange window={choice} show={show} now={now} />
      <label>
        State
        <select value={choice.status} onChange={(event) => show({ status: event.currentTarget.value })}>
          <option value="">open and resolved</option>
          <option value="open">open</option>
          <option value="resolved">resolved</option>
        </select>
      </label>
      <label>
        Severity
        <select value={choice.severity} onChange={(event) => show({ severity: event.currentTarget.value })}>
          <option value="">any</option>
          <option value="warning">warning and critical</option>
          <option value="critical">critical</option>
        </select>
      </label>
      <label>
        Service
        <select value={choice.service} onChange={(event) => show({ service: event.currentTarget.value })}>
          <option value="">any</option>
          {chosen.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <OwnSwitch own={choice.own !== ""} service={choice.service} show={(own) => show({ own: own ? "1" : "" })} />
      <label>
        Text
        <input name="text" size={18} defaultValue={choice.text} key={choice.text} />
      </label>
      <button type="submit">Search</button>
    </form>
  );
}
