/** What the models say: what is unusual, by how much and since when; what they monitor and what they still learn. */
import { useState } from "preact/hooks";
import { arrow, confidence, sentence } from "../model/anomaly.ts";
import type { InsightEvent, NoteEvent } from "../model/board.ts";
import type { Units } from "../model/catalogue.ts";
import { TRACES_PATH } from "../model/explorer.ts";
import { causeLink, linkTo, tracesAround } from "../model/explorer-choice.ts";
import { metricLink } from "../model/metric-choice.ts";
import { horizonsOf, outlook } from "../model/forecasts.ts";
import { duration, edgeInWords, time } from "../model/format.ts";
import { Horizons } from "../charts/horizons.tsx";
import { finding, noteTitle, span, subject } from "../model/finding.ts";
import { type Incident, isOpen } from "../model/incidents.ts";
import type { Placing } from "../model/layout.ts";
import { notes, type Watching as WatchedSeries } from "../model/watching.ts";
import { tooltip } from "../model/names.ts";

const MOST_PAST = 12;
/** What is about a whole system is said at the end of the minutes that it is about. */
const NOTED_AFTER_MS = 120_000;

interface Props {
  incidents: Incident[];
  /** Those that do not stay, as {@link together} has them. */
  groups: Incident[][];
  watching: WatchedSeries;
  insights: InsightEvent[];
  units: Units;
  now: number;
  ready: boolean;
  minutes: number;
  placing?: Placing;
}

export function Insights({ incidents, groups, watching, insights, units, now, ready, minutes, placing }: Props) {
  const open = groups.filter(isOpen);
  const stays = incidents.filter((incident) => incident.stays).slice(0, MOST_PAST);
  const past = groups.filter((group) => !isOpen(group)).slice(0, MOST_PAST);
  const others = notes(insights).slice(0, MOST_PAST);
  const quiet = !open.length && !stays.length && !past.length && !others.length;
  return (
    <article class={`panel insights${quiet ? " quiet" : ""}`} style={placing?.style}>
      <h2>Insights</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Insights">
        {open.length === 0 && stays.length === 0 && (
          <p class="calm">{calm(ready, watching)}</p>
        )}
        {open.length > 0 && <IncidentList title="Open" groups={open} units={units} now={now} />}
        {stays.length > 0 && <IncidentList title="Not recovered, taken as the new normal" groups={stays.map((one) => [one])} units={units} now={now} />}
        {others.length > 0 && <NoteList notes={others} now={now} />}
        {past.length > 0 && <IncidentList title="Resolved" groups={past} units={units} now={now} />}
        <Outlook insights={insights} units={units} now={now} minutes={minutes} />
        <Watching name="Learning" hint="no alerts yet" list={watching.learning} />
        <Watching name="Not evaluated" hint="too few observations" list={watching.unjudged} />
        <Watching name="Not watched" hint="too many series" list={watching.unwatched} />
        <Watching name="Monitored" hint="normal range known" list={watching.ready} />
      </div>
    </article>
  );
}

function calm(ready: boolean, watching: WatchedSeries): string {
  if (!ready) return "Waiting for the first data";
  if (watching.ready.length) return "No open anomalies.";
  return watching.unjudged.length ? "Nothing is evaluated now: too few observations." : "No anomalies reported so far.";
}

function Outlook({ insights, units, now, minutes }: { insights: InsightEvent[]; units: Units; now: number; minutes: number }) {
  const [horizon, setHorizon] = useState<number | null>(null);
  const result = outlook(insights, now, horizon ?? minutes * 60_000);
  const first = result[0];
  if (!first) return null;
  const horizons = horizonsOf(insights);
  return (
    <>
      <h3>
        Forecast, {duration(first.minutes * 60_000)} ahead
        <Horizons of="insights" horizons={horizons} shown={first.horizon} chosen={horizon} choose={setHorizon} />
      </h3>
      <table class="outlook">
        <tbody>
          {result.map(({ insight: one, point }) => {
            const unit = units.ofField(one.metric, one.field);
            return (
              <tr key={one.key}>
                <th scope="row">
                  <a href={metricLink(one)}>{subject(one)}</a> {one.state === "learning" && <small>learning</small>}
                </th>
                <td>{edgeInWords(point[1], unit)}</td>
                <td class="muted">
                  {edgeInWords(point[2], unit)} to {edgeInWords(point[3], unit)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </>
  );
}

/** Incidents below a heading, each with the ways to its metric, its root cause and its traces. */
export function IncidentList({ title, groups, units, now }: { title: string; groups: Incident[][]; units: Units; now: number }) {
  return (
    <>
      <h3>{title}</h3>
      <ul>
        {groups.map((group) => (
          <Item key={group.map((one) => one.insight.key).sort()[0]} group={group} units={units} now={now} />
        ))}
      </ul>
    </>
  );
}

/** What is about no single series, in the models' own words. */
export function NoteList({ notes, now }: { notes: readonly NoteEvent[]; now: number }) {
  return (
    <ul>
      {notes.map((one) => (
        <li key={one.key} class="info">
          <b>{noteTitle(one)}</b>
          <p>{withTraces(one.message ?? "")}</p>
          <p class="muted">
            {time(one.at)} · <a href={causeLink(one.at - NOTED_AFTER_MS, one.at, now)}>Root cause</a>
          </p>
        </li>
      ))}
    </ul>
  );
}

/** One incident: the anomaly to look at first, and those that began at the same time. */
export function Item({ group: [incident, ...others], units, now }: { group: Incident[]; units: Units; now: number }) {
  if (!incident) return null;
  return (
    <li class={incident.open || incident.stays ? tone(incident) : "over"}>
      <Anomaly incident={incident} units={units} now={now} />
      {others.length > 0 && (
        <details>
          <summary>
            {others.length} more {others.length === 1 ? "anomaly" : "anomalies"} <span class="muted">began at the same time</span>
          </summary>
          {others.map((one) => (
            <div class="also" key={one.insight.key}>
              <Anomaly incident={one} units={units} now={now} />
            </div>
          ))}
        </details>
      )}
    </li>
  );
}

function Anomaly({ incident, units, now }: { incident: Incident; units: Units; now: number }) {
  return (
    <>
      <b title={tooltip(incident.insight.labels?.["service"], incident.insight.service_name)}>
        {word(incident) && <span class="badge">{word(incident)} </span>}
        <a href={metricLink(incident.insight)}>{sentence(incident.insight, !incident.open && !incident.stays)}</a>
      </b>
      <p>{finding(incident.insight, units, incident.stays)}</p>
      {incident.insight.escalated_at !== undefined && (
        <p class="escalated">
          ◆ escalated to {incident.gravest} at {time(incident.insight.escalated_at)}
        </p>
      )}
      <p class="muted">
        {[span(incident, now), incident.open ? confidence(incident.insight) : ""].filter(Boolean).join(" · ")}
        {incident.since > 0 && (
          <>
            {" · "}
            <a href={causeLink(incident.since, incident.open ? now : incident.until, now)}>Root cause</a>
            {" · "}
            <a href={tracesLink(incident, units, now)}>Traces</a>
          </>
        )}
      </p>
    </>
  );
}

const TRACE_ID = /\b([0-9a-f]{32})\b/;

/** A message, in which ids of traces lead to them. */
function withTraces(message: string) {
  return message.split(TRACE_ID).map((part, i) => (i % 2 ? <a key={i} href={linkTo(TRACES_PATH, { trace: part })}>{part.slice(0, 8)}</a> : part));
}

function tracesLink({ insight, since, open, until }: Incident, units: Units, now: number): string {
  const unit = units.ofField(insight.metric, insight.field);
  return tracesAround(since, open ? now : until, { service: insight.labels?.["service"], field: insight.field, unit });
}

function tone(incident: Incident): string {
  if (incident.unjudged) return "info";
  return incident.severity === "critical" ? "bad" : incident.severity === "warning" ? "warn" : "info";
}

function word(incident: Incident): string {
  const was = incident.gravest === "info" ? "" : `was ${incident.gravest}`;
  if (incident.stays) return `${arrow(incident.insight)} ${incident.severity}, not recovered`;
  if (!incident.open) return incident.insight.phase === "resolved" ? was : "no updates";
  if (incident.unjudged) return "not evaluated";
  return `${arrow(incident.insight)} ${incident.severity}`;
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
