/** What each value of a dimension is of the whole: a ring or areas, and the same in words beside it. */
import type { Board } from "../model/board.ts";
import type { Units } from "../model/catalogue.ts";
import type { Pie } from "../model/contracts.ts";
import { inWords, show } from "../model/format.ts";
import { readingOf } from "../model/panels.ts";
import { type Part, partsOfWhole } from "../model/parts.ts";
import { treemap } from "../model/treemap.ts";
import { coloursOf, NoParts, partLink } from "./bars.tsx";
import { Over } from "./over.tsx";

/** More cannot be distinguished by their colours. */
const MOST_PARTS = 8;
const ASPECT = 2;
/** Of the whole: in a smaller area no word can be read. */
const WORDS_FROM = 0.04;
/** Between two parts of the ring, in hundredths of it. */
const GAP = 0.6;

export function Shares({ panel, board, units }: { panel: Pie; board: Board; units: Units }) {
  const reading = readingOf(panel.parts);
  const unit = panel.unit || units.of(reading);
  const { parts, whole, seen } = partsOfWhole(board, panel.parts, MOST_PARTS);
  return (
    <article class="panel pie">
      <h2>
        {panel.title}
        <Over question={panel.parts} board={board} units={units} />
      </h2>
      {parts.length ? (
        <ShareList title={panel.title} style={panel.style} parts={parts} whole={whole} unit={unit} linkOf={(part) => partLink(panel.parts, part)} />
      ) : seen && board.value(reading) === 0 ? (
        <p class="empty">Nothing in this time: 0 in all</p>
      ) : (
        <NoParts seen={seen} board={board} units={units} reading={reading} />
      )}
    </article>
  );
}

interface ListProps {
  title: string;
  style?: Pie["style"];
  parts: readonly Part[];
  whole: number;
  unit: string;
  /** Leads to what a part is made of; empty: nowhere. */
  linkOf: (part: Part) => string;
}

/** What each part is of the whole: drawn, and in words beside it. */
export function ShareList({ title, style, parts, whole, unit, linkOf }: ListProps) {
  const colours = coloursOf(parts);
  const spoken = `${title}: ${parts.map((part) => `${part.text} ${share(part, whole)}`).join(", ")}`;
  return (
    <div class={style === "treemap" ? "of-areas" : "of-ring"}>
      {style === "treemap" ? (
        <Areas parts={parts} whole={whole} colours={colours} spoken={spoken} />
      ) : (
        <Ring parts={parts} whole={whole} colours={colours} spoken={spoken} unit={unit} />
      )}
      <ul>
        {parts.map((part, place) => (
          <li key={part.value ?? ""}>
            <i style={{ background: colours[place] }} />
            <a href={linkOf(part) || undefined} title={part.tooltip}>
              <bdi>{part.text}</bdi>
            </a>
            <b>{share(part, whole)}</b>
            <span class="muted">{inWords(part.number, unit)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function share(part: Part, whole: number): string {
  return inWords(whole > 0 ? part.number / whole : null, "share");
}

interface Drawn {
  parts: readonly Part[];
  whole: number;
  colours: readonly string[];
  spoken: string;
}

function Ring({ parts, whole, colours, spoken, unit }: Drawn & { unit: string }) {
  const all = show(whole, unit);
  let from = 0;
  return (
    <svg class="ring" viewBox="0 0 100 100" role="img" aria-label={spoken}>
      {parts.map((part, place) => {
        const length = (part.number / whole) * 100;
        const begin = from;
        from += length;
        return (
          <circle
            key={part.value ?? ""}
            cx={50}
            cy={50}
            r={40}
            pathLength={100}
            stroke={colours[place]}
            stroke-dasharray={`${Math.max(0.2, length - (parts.length > 1 ? GAP : 0))} 100`}
            stroke-dashoffset={-begin}
          >
            <title>{`${part.text}: ${share(part, whole)}`}</title>
          </circle>
        );
      })}
      <text x={50} y={50} class="whole" text-anchor="middle">
        {all.text}
      </text>
      <text x={50} y={62} class="unit" text-anchor="middle">
        {all.unit}
      </text>
    </svg>
  );
}

function Areas({ parts, whole, colours, spoken }: Drawn) {
  const areas = treemap(
    parts.map((part) => part.number),
    ASPECT,
  );
  // What is put together comes last, whatever its size: its area still is in proportion.
  return (
    <div class="areas" role="img" aria-label={spoken}>
      {areas.map(({ x, y, width, height }, place) => {
        const part = parts[place] as Part;
        return (
          <div
            key={part.value ?? ""}
            title={`${part.text}: ${share(part, whole)}`}
            style={{ left: `${x * 100}%`, top: `${y * 100}%`, width: `${width * 100}%`, height: `${height * 100}%`, background: colours[place] }}
          >
            {width * height >= WORDS_FROM && (
              <span>
                <bdi>{part.text}</bdi> {share(part, whole)}
              </span>
            )}
          </div>
        );
      })}
    </div>
  );
}
