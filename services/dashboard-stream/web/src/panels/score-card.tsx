/** How accurate forecasts were: against the naive forecast, how often the interval held, and which model was suspended. */
import { about } from "../model/anomaly.ts";
import type { ForecastEvent, InsightEvent } from "../model/board.ts";
import type { Units } from "../model/catalogue.ts";
import { againstNaive, held, horizonOf, leaning, scored, unscored, unscoredInWords } from "../model/forecasts.ts";
import { duration, inWords, NONE, plain, whole } from "../model/format.ts";
import { metricLink } from "../model/metric-choice.ts";
import { tooltip } from "../model/names.ts";

const MOST_ROWS = 40;

interface Props {
  title?: string;
  insights: InsightEvent[];
  units: Units;
  now: number;
}

export function Scores({ title = "Forecast accuracy", insights, units, now }: Props) {
  const all = scored(insights);
  const rows = all.slice(0, MOST_ROWS);
  const waiting = unscored(insights);
  const inner = rows[0]?.interval ?? 0.8;
  const outer = rows.find((one) => one.outer_interval)?.outer_interval ?? 0.95;
  if (!rows.length && !waiting) return null;
  return (
    <article class="panel scores">
      <h2>
        {title} <small>forecasts compared with what happened</small>
      </h2>
      {rows.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label={title}>
          <table>
            <thead>
              <tr>
                <th scope="col">Forecast of</th>
                <th scope="col">horizon</th>
                <th scope="col" title="Mean error against that of a simple baseline: the value of the same time one season earlier">vs. baseline</th>
                <th scope="col">{percent(inner)} coverage</th>
                <th scope="col">{percent(outer)} coverage</th>
                <th scope="col">bias</th>
                <th scope="col">model</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((one, i) => (
                <Row key={one.key} one={one} again={rows[i - 1]?.series === one.series} units={units} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {all.length > rows.length && <p class="muted">and {whole(all.length - rows.length)} more</p>}
      {waiting && <p class="muted unscored">{unscoredInWords(waiting, now)}</p>}
    </article>
  );
}

function Row({ one, again, units }: { one: ForecastEvent; again: boolean; units: Units }) {
  // Errors of things that are counted whole are not whole.
  const unit = units.ofField(one.metric, one.field).replace(/^\{[^}]*\}$/, "");
  const name = about(one);
  const { standing } = one;
  const marked = standing?.marked ?? 0;
  const naive = standing && againstNaive(standing);
  return (
    <tr class={again ? "again" : ""}>
      <th scope="row">
        <span class={again ? "visually-hidden" : ""} title={tooltip(one.labels?.["service"], one.service_name)}><a href={metricLink(one)} tabIndex={again ? -1 : undefined}>{name.charAt(0).toUpperCase() + name.slice(1)}</a></span>
      </th>
      <td>{duration(Math.round(horizonOf(one) / 60_000) * 60_000)}</td>
      {standing && marked ? (
        <>
          <td>
            <span class={naive?.tone}>{naive?.text}</span>
            <small>mean error {inWords(standing.mae, unit)}</small>
          </td>
          <Held share={standing.coverage} aim={one.interval ?? 0.8} marked={marked} />
          <Held share={standing.outer_coverage} aim={one.outer_interval ?? 0.95} marked={marked} />
          <td>
            {leaning(standing) ? inWords(Math.abs(standing.bias), unit) : "none"}
            <small>{leaning(standing) ?? ""}</small>
          </td>
        </>
      ) : (
        <td colSpan={4} class="none muted">
          not scored yet
        </td>
      )}
      <td>
        {one.model}
        {one.state === "learning" && <small class="learning">learning</small>}
        {one.benched && <small class="warn">{one.benched} suspended</small>}
        {!one.benched && marked > 0 && <small>{plain(marked, "{value}")} scored</small>}
      </td>
    </tr>
  );
}

function Held({ share, aim, marked }: { share: number; aim: number; marked: number }) {
  const verdict = held(share, aim, marked);
  return (
    <td>
      <span class={verdict.tone}>{verdict.text}</span>
      <small>{verdict.word || `target ${percent(aim)}`}</small>
    </td>
  );
}

function percent(share: number | null | undefined): string {
  return typeof share === "number" ? `${whole(share * 100)} %` : NONE;
}
