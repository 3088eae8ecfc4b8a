/** What the models say: what is unusual, how far and since when; and what they watch or still learn. */
import type { Told } from "./board.ts";
import type { Units } from "./catalogue.ts";
import { inWords, time } from "./format.ts";
import { finding, type Incident, notes, outlook, span, subject } from "./insights.ts";

const MOST_PAST = 12;

interface Props {
  incidents: Incident[];
  watching: { ready: string[]; learning: string[] };
  told: Told[];
  units: Units;
  now: number;
  ready: boolean;
}

export function Insights({ incidents, watching, told, units, now, ready }: Props) {
  const open = incidents.filter((incident) => incident.open);
  const past = incidents.filter((incident) => !incident.open).slice(0, MOST_PAST);
  const others = notes(told).slice(0, MOST_PAST);
  return (
    <article class="panel insights">
      <h2>Insights</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Insights">
        {open.length === 0 && (
          <p class="calm">{ready ? (watching.ready.length ? "Nothing unusual now." : "No anomalies told so far.") : "Waiting for the first data"}</p>
        )}
        {open.length > 0 && <List title="Open" incidents={open} units={units} now={now} />}
        {others.length > 0 && (
          <ul>
            {others.map((one) => (
              <li key={one.key} class="info">
                <b>{subject(one)}</b>
                <p>{one.message}</p>
                <p class="muted">{time(one.at)}</p>
              </li>
            ))}
          </ul>
        )}
        {past.length > 0 && <List title="Over" incidents={past} units={units} now={now} />}
        <Outlook told={told} units={units} now={now} />
        <Watching name="Learning" hint="no alarms yet" list={watching.learning} />
        <Watching name="Watched" hint="what is normal is known" list={watching.ready} />
      </div>
    </article>
  );
}

function Outlook({ told, units, now }: { told: Told[]; units: Units; now: number }) {
  const found = outlook(told, now);
  const first = found[0];
  if (!first) return null;
  return (
    <>
      <h3>Forecast, {first.minutes} min ahead</h3>
      <table class="outlook">
        <tbody>
          {found.map(({ told: one, point }) => {
            const unit = units.ofField(one.metric, one.field);
            return (
              <tr key={one.key}>
                <th scope="row">
                  {subject(one)} {one.state === "learning" && <small>learning</small>}
                </th>
                <td>{inWords(point[1], unit)}</td>
                <td class="muted">
                  {inWords(point[2], unit)} to {inWords(point[3], unit)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </>
  );
}

function List({ title, incidents, units, now }: { title: string; incidents: Incident[]; units: Units; now: number }) {
  return (
    <>
      <h3>{title}</h3>
      <ul>
        {incidents.map((incident) => (
          <li key={incident.told.key} class={incident.open ? tone(incident) : "over"}>
            <b>
              {word(incident) && <span class="badge">{word(incident)} </span>}
              {subject(incident.told)}
            </b>
            <p>{finding(incident.told, units)}</p>
            <p class="muted">{span(incident, now)}</p>
          </li>
        ))}
      </ul>
    </>
  );
}

function tone(incident: Incident): string {
  return incident.severity === "critical" ? "bad" : incident.severity === "warning" ? "warn" : "info";
}

function word(incident: Incident): string {
  const arrow = incident.told.direction === "down" ? "▼" : "▲";
  if (!incident.open) return incident.told.phase === "resolved" ? "" : "not told on";
  return `${arrow} ${incident.severity}`;
}

function Watching({ name, hint, list }: { name: string; hint: string; list: string[] }) {
  if (!list.length) return null;
  return (
    <details>
      <summary>
        {name} <b>{list.length}</b> <span class="muted">{hint}</span>
      </summary>
      <ul class="plain">
        {list.map((one) => (
          <li key={one}>{one}</li>
        ))}
      </ul>
    </details>
  );
}
