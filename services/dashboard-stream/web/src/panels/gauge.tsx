/** One number on its scale, with the limits of the panel or its KPI. */
import { ceiling, levelsOf } from "../charts/figure.ts";
import type { Board } from "../model/board.ts";
import type { Entry, Units } from "../model/catalogue.ts";
import type { Gauge as GaugePanel } from "../model/contracts.ts";
import { standing } from "../model/definition.ts";
import { inWords, show } from "../model/format.ts";
import { limitsOf, LIMIT_WORDS } from "../model/limits.ts";
import { metricLink } from "../model/metric-choice.ts";
import { readingOf } from "../model/panels.ts";
import { Over } from "./over.tsx";

const RADIUS = 42;
const ARC = `M8 50 A${RADIUS} ${RADIUS} 0 0 1 92 50`;

interface Props {
  gauge: GaugePanel;
  board: Board;
  units: Units;
  entries: ReadonlyMap<string, Entry>;
}

export function Gauge({ gauge, board, units, entries }: Props) {
  const reading = readingOf(gauge.value);
  const unit = gauge.unit || units.of(reading);
  const value = board.value(reading);
  const limits = limitsOf(gauge.limits, entries.get(reading));
  const levels = levelsOf(limits);
  const stands = standing(limits, value);
  const least = gauge.min ?? 0;
  const most = gauge.max ?? (unit === "share" ? 1 : ceiling(Math.max(value ?? 0, ...levels.map((level) => level.value), least)));
  const place = (number: number) => Math.min(1, Math.max(0, (number - least) / (most - least)));
  const shown = show(value, unit);
  return (
    <article class={`tile gauge ${stands === "good" ? "" : stands}`}>
      <h2>
        <a href={metricLink(gauge.value)}>{gauge.title}</a>
      </h2>
      <svg
        viewBox="0 0 100 56"
        role="meter"
        aria-label={gauge.title}
        aria-valuemin={least}
        aria-valuemax={most}
        aria-valuenow={value ?? least}
        aria-valuetext={value === null ? "no current value" : [inWords(value, unit), LIMIT_WORDS[stands]].filter(Boolean).join(", ")}
      >
        <path class="scale" d={ARC} />
        {value !== null && place(value) > 0 && <path class="reached" d={ARC} pathLength={100} stroke-dasharray={`${place(value) * 100} 200`} />}
        {levels.filter(({ value: at }) => at >= least && at <= most).map((level) => (
          <line key={level.word} class={level.tone} x1={50 - RADIUS - 6} x2={50 - RADIUS + 6} y1={50} y2={50} transform={`rotate(${place(level.value) * 180} 50 50)`}>
            <title>{`${level.word} ${inWords(level.value, unit)}`}</title>
          </line>
        ))}
      </svg>
      <p class="number">
        <span>{shown.text}</span>
        <small>{shown.unit}</small>
        {stands && <em class={stands}>{LIMIT_WORDS[stands]}</em>}
      </p>
      <p class="more">
        {value === null ? (
          board.frames ? "no current value" : " "
        ) : (
          <>
            <Over question={gauge.value} board={board} units={units} />
            <span>
              {inWords(least, unit)} to {inWords(most, unit)}
            </span>
            {limits.target !== undefined && (
              <span>
                target <b>{inWords(limits.target, unit)}</b>
              </span>
            )}
          </>
        )}
      </p>
    </article>
  );
}
