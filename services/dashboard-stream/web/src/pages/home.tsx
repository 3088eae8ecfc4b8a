/** The first page: how all services are, what is open, what changed of late, and where to go on. */
import type { ComponentChildren } from "preact";
import type { Asked } from "../model/asked.ts";
import type { Dashboard, Units } from "../model/catalogue.ts";
import type { Change } from "../model/changes.ts";
import { DASHBOARDS_PATH } from "../model/dashboards.ts";
import { ERRORS_PATH, INCIDENTS_PATH, linkTo, LOGS_PATH } from "../model/explorer-choice.ts";
import { MAP_PATH, TRACES_PATH } from "../model/explorer.ts";
import { counted, inWords, whole } from "../model/format.ts";
import type { Incident } from "../model/incidents.ts";
import { METRICS_PATH } from "../model/metric-choice.ts";
import { ACTIVITY_PATH, FUNNELS_PATH, RETENTION_PATH, USERS_PATH } from "../model/product.ts";
import { apart, inOneSentence, type ServiceHealth } from "../model/service-health.ts";
import { AskedAnswer } from "../panels/asked-answer.tsx";
import { IncidentList } from "../panels/insights-panel.tsx";
import { When } from "../panels/when.tsx";

const MOST_CHANGES = 10;
const MOST_OPEN = 5;

interface Props {
  services: Asked<ServiceHealth[]>;
  open: Incident[][];
  /** `null`: not known yet. */
  changes: Change[] | null;
  /** Why changes are not all there; empty: they are. */
  problem: string;
  dashboards: readonly Dashboard[];
  units: Units;
  retry: () => void;
  now: number;
  /** How to begin, where nothing was received yet. */
  children?: ComponentChildren;
}

export function HomePage({ services, open, changes, problem, dashboards, units, retry, now, children }: Props) {
  return (
    <div class="traces home">
      <h1>Home</h1>
      {children}
      <AskedAnswer asked={services} retry={retry}>
        {(found) => <Services found={found} />}
      </AskedAnswer>
      <div class="halves">
        <section class="panel insights" aria-label="Open incidents">
          {open.length > 0 ? <IncidentList title="Open incidents" groups={open.slice(0, MOST_OPEN)} units={units} now={now} /> : <h3>Open incidents</h3>}
          <p class="muted">
            {open.length === 0 && changes && "None is open. "}
            {open.length > MOST_OPEN && `${whole(open.length - MOST_OPEN)} more are open. `}
            <a href={INCIDENTS_PATH}>All incidents</a>
          </p>
        </section>
        <section class="panel" aria-label="What changed">
          <h3>What changed in the last 6 h</h3>
          {changes === null && <p class="muted">Loading…</p>}
          {changes?.length === 0 && <p class="muted">Nothing: no deployment, no new error, no incident.</p>}
          <ul class="changes">
            {(changes ?? []).slice(0, MOST_CHANGES).map((one) => (
              <li key={`${one.kind} ${one.at} ${one.text}`}>
                <When at={one.at} now={now} /> <b>{one.kind}</b> {one.address ? <a href={one.address}>{one.text}</a> : <bdi>{one.text}</bdi>}
              </li>
            ))}
          </ul>
          {problem && <p class="warn">{problem}</p>}
        </section>
      </div>
      <section class="panel" aria-label="Go to">
        <h3>Go to</h3>
        <ul class="onwards">
          {dashboards.map((one) => (
            <li key={one.name}>
              <a href={one.path}>{one.title}</a> <small>{one.description}</small>
            </li>
          ))}
          <li>
            <a href={TRACES_PATH}>Traces</a> <small>What single requests did and waited for.</small>
          </li>
          <li>
            <a href={MAP_PATH}>Service map</a> <small>Who calls whom, how often, and what fails.</small>
          </li>
          <li>
            <a href={USERS_PATH}>Users</a> <small>What each of them did, with their requests, errors and traces.</small>
          </li>
          <li>
            <a href={ACTIVITY_PATH}>Activity</a> <small>Active users of a day, a week and a month, new ones and those who stay away.</small>
          </li>
          <li>
            <a href={RETENTION_PATH}>Retention</a> <small>Who came back after a day, a week, a month.</small>
          </li>
          <li>
            <a href={FUNNELS_PATH}>Funnels</a> <small>Where users leave, and what differs between them and those who go on.</small>
          </li>
          <li>
            <a href={METRICS_PATH}>Metrics</a> <small>Every number there is, and your own KPIs.</small>
          </li>
          <li>
            <a href={DASHBOARDS_PATH}>All dashboards</a> <small>Open, copy and build them.</small>
          </li>
        </ul>
      </section>
    </div>
  );
}

/** Those that are watched, and below them, folded while nothing is wrong, those of Drishti itself. */
function Services({ found }: { found: readonly ServiceHealth[] }) {
  const { watched, own } = apart(found);
  const wrong = own.filter((one) => one.tone === "bad" || one.tone === "warn");
  return (
    <section class="panel" aria-label="Services">
      <p class="whole" role="status">
        {inOneSentence(watched)}
      </p>
      <ul class="services">
        {watched.map((one) => (
          <Service key={one.service} health={one} />
        ))}
      </ul>
      {watched.length > 0 && <p class="muted">The last 10 minutes. Degraded: an open anomaly, or twice as many errors or twice as slow as in the last day.</p>}
      {own.length > 0 && (
        <details class="own-services" open={wrong.length > 0}>
          <summary>
            Drishti itself <span class="muted">{wrong.length ? inOneSentence(own) : `${counted(own.length, "service")}, nothing is wrong`}</span>
          </summary>
          <ul class="services">
            {own.map((one) => (
              <Service key={one.service} health={one} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function Service({ health: { service, name, word, tone, now, usual, why } }: { health: ServiceHealth }) {
  return (
    <li>
      <span class={`state ${tone}`}>{word}</span>
      <span class="about">
        <a href={linkTo(TRACES_PATH, { service })}>
          <bdi>{name}</bdi>
        </a>{" "}
        {why.length > 0 && <b>{why.join("; ")}. </b>}
        <small>
          {inWords(now.rate, "/s")} requests, {inWords(now.errors, "share")} fail, p95 {inWords(now.p95, "ms")}
          {usual.p95 !== null && ` (in the last day ${inWords(usual.errors, "share")}, ${inWords(usual.p95, "ms")})`}
        </small>
      </span>
      <span class="ways">
        <a href={linkTo(ERRORS_PATH, { service })} aria-label={`Errors of ${name}`}>
          Errors
        </a>{" "}
        <a href={linkTo(LOGS_PATH, { service })} aria-label={`Logs of ${name}`}>
          Logs
        </a>{" "}
        <a href={linkTo(MAP_PATH, { service })} aria-label={`${name} on the service map`}>
          Map
        </a>
      </span>
    </li>
  );
}
