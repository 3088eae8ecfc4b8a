/** Forecasts against thresholds and replicas: when capacity runs out, how sure that is, and how many are needed. */
import { about } from "../model/anomaly.ts";
import type { ForecastEvent, InsightEvent } from "../model/board.ts";
import { crossing, LATE_MS, likelihood, replicas, type Watched, watchedSeries } from "../model/capacity.ts";
import type { Units } from "../model/catalogue.ts";
import type { Breach } from "../model/contracts.ts";
import { horizonOf } from "../model/forecasts.ts";
import { duration, inWords, whole } from "../model/format.ts";
import { metricLink } from "../model/metric-choice.ts";
import { tooltip } from "../model/names.ts";

const MOST_ROWS = 8;
/** More replicas than this are shown as numbers alone. */
const MOST_PIPS = 12;

interface Props {
  insights: InsightEvent[];
  units: Units;
  now: number;
}

export function Capacity({ insights, units, now }: Props) {
  const rows = watchedSeries(insights, now);
  if (!rows.length) return null;
  return (
    <article class="panel capacity">
      <h2>
        Capacity <small>time to thresholds, replicas for the load</small>
      </h2>
      <ul>
        {rows.slice(0, MOST_ROWS).map((row) => (
          <Row key={row.series} row={row} units={units} now={now} />
        ))}
      </ul>
      {rows.length > MOST_ROWS && <p class="muted">and {rows.length - MOST_ROWS} more</p>}
    </article>
  );
}

function Row({ row, units, now }: { row: Watched; units: Units; now: number }) {
  const one = (row.breach ?? row.capacity) as ForecastEvent;
  const unit = units.ofField(one.metric, one.field);
  const name = about(one);
  const { breach, capacity } = row;
  return (
    <li class={row.tone}>
      <b title={tooltip(one.labels?.["service"], one.service_name)}>
        <a href={metricLink(one)}>{name.charAt(0).toUpperCase() + name.slice(1)}</a>
        {one.state === "learning" && <small class="learning">learning</small>}
      </b>
      {breach?.breach && (
        <>
          <p>
            {crossing(breach, unit, now)} <span class="badge">{likelihood(breach.breach)}</span>
          </p>
          <Track breach={breach.breach} now={now} horizon={horizonOf(breach)} />
          <p class="muted">
            {whole(breach.breach.probability * 100)} % probability within {duration(horizonOf(breach))}
          </p>
        </>
      )}
      {capacity?.capacity && (
        <>
          <p>
            {replicas(capacity, now)} <Pips now={capacity.capacity.now} needed={capacity.capacity.needed} />
          </p>
          <p class="muted">{inWords(capacity.capacity.per_replica, unit)} per replica</p>
        </>
      )}
      {now - one.at > LATE_MS && <p class="muted">no update for {duration(now - one.at)}</p>}
    </li>
  );
}

/** From now to the horizon: when the mean crosses, and between which instants the interval does. Nothing where nothing does. */
function Track({ breach, now, horizon }: { breach: Breach; now: number; horizon: number }) {
  const place = (at: number) => Math.min(100, Math.max(0, ((at - now) / horizon) * 100));
  const { at, earliest, latest } = breach;
  if (typeof earliest !== "number" && typeof at !== "number") return null;
  const from = place(earliest ?? at ?? now);
  const to = typeof latest === "number" ? place(latest) : typeof at === "number" && typeof earliest !== "number" ? place(at) : 100;
  return (
    <div class="track" aria-hidden="true">
      <span class="bar-track">
        <i class="range" style={{ left: `${from}%`, width: `${Math.max(1, to - from)}%` }} />
        {typeof at === "number" && <i class="at" style={{ left: `${place(at)}%` }} />}
      </span>
      <span class="ends">
        <small>now</small>
        <small>{duration(horizon)}</small>
      </span>
    </div>
  );
}

function Pips({ now, needed }: { now: number; needed: number }) {
  if (Math.max(now, needed) > MOST_PIPS) return null;
  return (
    <span class="pips" aria-hidden="true">
      {Array.from({ length: Math.max(now, needed) }, (_, i) => (
        <i key={i} class={i >= now ? "missing" : i >= needed ? "spare" : ""} />
      ))}
    </span>
  );
}
