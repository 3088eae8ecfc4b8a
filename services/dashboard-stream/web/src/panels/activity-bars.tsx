/** Active users by period: bars of who is new, comes back or came back again, and below the line who stays away; all lead to their users. */
import { useRef } from "preact/hooks";
import { barsOf, type Chosen, LABEL, type State, STATES, WORDS } from "../model/activity.ts";
import type { ActivityPeriod } from "../model/contracts.ts";
import { counted, whole } from "../model/format.ts";
import { type Interval, periodInWords } from "../model/retention.ts";
import { useWidth } from "./use-width.ts";
import "./product.css";

interface Props {
  periods: readonly ActivityPeriod[];
  interval: Interval;
  tz: string | undefined;
  /** Where a number leads; empty: nowhere. */
  linkOf: (chosen: Chosen) => string;
}

export function ActivityBars({ periods, interval, tz, linkOf }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const { width, height, line, bars, every } = barsOf(periods, useWidth(place));
  const name = (from: number) => periodInWords(from, interval, tz);
  return (
    <>
      <p class="activity-legend">
        {STATES.map((state) => (
          <span key={state} class={state}>
            {WORDS[state]}
          </span>
        ))}
      </p>
      <div class="scroll-x activity" ref={place} tabIndex={0} role="region" aria-label="Bars">
        <svg width={width} height={height + 20} viewBox={`0 0 ${width} ${height + 20}`} role="group" aria-label="Users by period; the table below says the same">
          {bars.map(({ period, x, width: wide, parts }, at) => (
            <g key={period.from} class={period.complete ? "" : "growing"}>
              {parts.map(({ state, users, y, height: tall }) => {
                const said = `${name(period.from)}: ${counted(users, "user")} ${WORDS[state]}${period.complete ? "" : ", not over yet"}`;
                return users ? (
                  <a key={state} class={state} tabIndex={-1} aria-label={said} href={linkOf({ period: period.from, state }) || undefined}>
                    <title>{said}</title>
                    <rect x={x} y={y} width={wide} height={tall} />
                  </a>
                ) : null;
              })}
              {at % every === 0 && (x + LABEL <= width || at === 0) && (
                <text x={x} y={height + 15}>
                  {name(period.from)}
                </text>
              )}
            </g>
          ))}
          <line x1={0} x2={width} y1={line + 0.5} y2={line + 0.5} />
        </svg>
      </div>
    </>
  );
}

const COLUMNS: readonly State[] = ["active", "new", "returning", "resurrected", "dormant"];

/** The same as a table, the newest period first. */
export function ActivityTable({ periods, interval, tz, linkOf }: Props) {
  return (
    <div class="scroll-x" tabIndex={0} role="region" aria-label="Periods">
      <table class="retention">
        <thead>
          <tr>
            <th scope="col">{interval === "week" ? "Week of" : interval === "day" ? "Day" : "Month"}</th>
            {COLUMNS.map((state) => (
              <th scope="col" key={state}>
                {WORDS[state]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {[...periods].reverse().map((period) => (
            <tr key={period.from}>
              <th scope="row">
                {periodInWords(period.from, interval, tz)}
                {!period.complete && <small> not over yet</small>}
              </th>
              {COLUMNS.map((state) => {
                const [users, link] = [period[state], linkOf({ period: period.from, state })];
                return <td key={state}>{users && link ? <a href={link}>{whole(users)}</a> : <span>{whole(users)}</span>}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
