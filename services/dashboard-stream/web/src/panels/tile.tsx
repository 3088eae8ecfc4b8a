/** One number that matters now, the line it came along, and what belongs to it. All of it leads to the page of its metric. */
import { arrow, short } from "../model/anomaly.ts";
import type { Board } from "../model/board.ts";
import { pointsBefore, pointsOf } from "../charts/chart-lines.ts";
import type { Entry, Units } from "../model/catalogue.ts";
import { differenceInWords } from "../model/compared.ts";
import { standing as standingOf } from "../model/definition.ts";
import { duration, inWords, show } from "../model/format.ts";
import { LIMIT_WORDS, limitsOf } from "../model/limits.ts";
import { concerns, type Incident } from "../model/incidents.ts";
import type { Stat } from "../model/contracts.ts";
import { metricLink } from "../model/metric-choice.ts";
import { readingOf, withSince } from "../model/panels.ts";
import { largest, levelOf, spark, stepOf, type Drawn } from "../charts/lines.ts";

const WIDTH = 160;
const HEIGHT = 34;
/** Minutes of a line with one point a minute, as charts have it. */
const MINUTES_FACTOR = 12;
const NOTHING: Drawn = { x: [], y: [] };

/** So many times as high as the line a target is still drawn. */
const TARGET_ROOM = 3;

interface Props {
  tile: Stat;
  board: Board;
  units: Units;
  entries: ReadonlyMap<string, Entry>;
  standing: Incident[];
  now: number;
  minutes: number;
}

export function Tile({ tile, board, units, entries, standing, now, minutes }: Props) {
  const reading = readingOf(tile.value);
  const value = board.value(reading);
  const unit = tile.unit || units.of(reading);
  const shown = show(value, unit);
  const incident = standing.find((one) => concerns(one, reading) && !Object.keys(one.insight.labels ?? {}).length);
  const known = limitsOf(tile.limits, entries.get(reading));
  const limits = standingOf(known, value);
  const tone = incident && !incident.unjudged ? (incident.severity === "critical" ? "bad" : "warn") : limits === "good" ? "" : limits;
  const entry = tile.sparkline === false ? undefined : entries.get(reading);
  const slow = entry !== undefined && stepOf(entry) > 1_000;
  const begin = (slow && entry && board.lines.get(entry.name)?.t[0]) || 0;
  const end = board.range?.to ?? now;
  const from = board.range?.from ?? Math.max(begin, now - minutes * 60_000 * (slow ? MINUTES_FACTOR : 1));
  const line = entry ? pointsOf(board, entry, entry.name, from, end) : NOTHING;
  const earlier = entry && board.before ? pointsBefore(board.before, entry, entry.name, from, end) : NOTHING;
  // A target far above the line would leave nothing of the line.
  const drawnMost = largest([line, earlier]);
  const target = tile.limits && known.target !== undefined && known.target > 0 && known.target <= TARGET_ROOM * drawnMost ? known.target : null;
  const most = Math.max(drawnMost, target ?? 0);
  const targetY = target === null ? 0 : levelOf(target, most, HEIGHT);
  const over = value === null ? null : units.windowOf(reading);
  const more = (tile.more ?? []).map((remark) => ({ asked: readingOf(remark), text: withSince(remark.text, remark.span, now) })).filter(({ asked }) => board.value(asked) !== null);
  return (
    <article class={`tile ${tone}`}>
      <h2>
        <a href={metricLink(tile.value)}>{tile.title}</a>
      </h2>
      <p class="number">
        <span data-value={reading}>{shown.text}</span>
        <small>
          {shown.unit} {value === null ? "" : tile.out_of}
        </small>
        {!incident && limits && <em class={limits}>{LIMIT_WORDS[limits]}</em>}
        {incident && <em>{incident.unjudged ? "not evaluated" : `${arrow(incident.insight)} ${short(incident.insight)}`}</em>}
      </p>
      <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {earlier.x.length > 1 && <path class="before" d={spark(earlier, from, end, WIDTH, HEIGHT, most)} />}
        <path d={spark(line, from, end, WIDTH, HEIGHT, most)} />
        {target !== null && <line class="target" x1={0} x2={WIDTH} y1={targetY} y2={targetY} />}
      </svg>
      {board.before && (
        <p class="compared">
          {differenceInWords(board.before.now[reading], board.before.then[reading], unit, board.before.words)}
          {/* Live the number above is of the last moments, and what is compared of the whole range. */}
          {board.before.then[reading] != null && (
            <span class="muted">
              {" "}
              ({!board.range && board.before.now[reading] != null && `whole range ${inWords(board.before.now[reading], unit)}, before `}
              {inWords(board.before.then[reading], unit)})
            </span>
          )}
        </p>
      )}
      <p class="more">
        {value === null && !more.length
          ? board.frames
            ? board.value("freshness_ms") === null && !board.range
              ? "no data yet"
              : board.range?.whole
                ? tile.value.span
                  ? "counted up to now only"
                  : board.range.partial
                    ? "loading…"
                    : "no data in this range"
                : "no current value"
            : " "
          : (
              <>
                {over !== null && <span>{board.range?.whole ? "whole range" : board.range?.played ? "newest point" : `last ${duration(over * 1000)}`}</span>}
                {tile.limits && known.target !== undefined && (
                  <span>
                    target <b>{inWords(known.target, unit)}</b>
                  </span>
                )}
                {more.map(({ asked, text }) => (
                  <span key={asked}>
                    <b>{inWords(board.value(asked), units.of(asked))}</b> {text}
                  </span>
                ))}
              </>
            )}
      </p>
    </article>
  );
}
