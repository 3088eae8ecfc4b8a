/** The largest values of a dimension as bars. */
import { FirstData } from "../charts/first-data.tsx";
import { slots } from "../charts/lines.ts";
import type { Board } from "../model/board.ts";
import type { Units } from "../model/catalogue.ts";
import type { Bar, PanelQuestion } from "../model/contracts.ts";
import { inWords } from "../model/format.ts";
import { metricLink } from "../model/metric-choice.ts";
import { readingOf } from "../model/panels.ts";
import { largest, type Part } from "../model/parts.ts";
import { Over } from "./over.tsx";

const TOP = 10;

export function Bars({ panel, board, units }: { panel: Bar; board: Board; units: Units }) {
  const reading = readingOf(panel.bars);
  const unit = panel.unit || units.of(reading);
  const { parts, more, seen } = largest(board, panel.bars, panel.top ?? TOP);
  return (
    <article class="panel bars">
      <h2>
        {panel.title}
        <Over question={panel.bars} board={board} units={units} />
      </h2>
      {parts.length ? (
        <BarList parts={parts} unit={unit} linkOf={(part) => partLink(panel.bars, part)} />
      ) : (
        <NoParts seen={seen} board={board} units={units} reading={reading} />
      )}
      {more > 0 && <p class="muted">and {more} more</p>}
    </article>
  );
}

/** The parts as bars, as long as their numbers are large; `linkOf` leads to what a part is made of, and empty nowhere. */
export function BarList({ parts, unit, linkOf }: { parts: readonly Part[]; unit: string; linkOf: (part: Part) => string }) {
  const most = Math.max(...parts.map((part) => Math.abs(part.number)), 0);
  return (
    <ul>
      {parts.map((part) => (
        <li key={part.value ?? ""}>
          <a href={linkOf(part) || undefined} title={part.tooltip}>
            <bdi>{part.text}</bdi>
          </a>
          <b>{inWords(part.number, unit)}</b>
          <span class="track" aria-hidden="true">
            <span style={{ width: `${most > 0 ? (Math.abs(part.number) / most) * 100 : 0}%` }} />
          </span>
        </li>
      ))}
    </ul>
  );
}

/** The metric's own page, of the part alone. */
export function partLink(question: PanelQuestion, part: Part): string {
  if (!question.by || part.value === null) return metricLink(question);
  return metricLink({ ...question, by: null, labels: { [question.by]: part.value } });
}

/** Why there is nothing: nothing came yet, or nothing is known now. */
export function NoParts({ seen, board, units, reading }: { seen: boolean; board: Board; units: Units; reading: string }) {
  if (seen) return <p class="empty">No current value</p>;
  return <FirstData metric={board.frames ? units.metricOf(reading) : ""} />;
}

/** The colour of each part: that of its name, as in charts; what is put together has none. */
export function coloursOf(parts: readonly Part[]): string[] {
  const chosen = slots(parts.flatMap((part) => part.value ?? []));
  return parts.map((part) => (part.value === null ? "var(--control)" : `var(--series-${((chosen.get(part.value) ?? 0) % 8) + 1})`));
}
