/** What a person did on each day, as bars; each leads to the timeline up to the end of that day. */
import { counted, dateIn } from "../model/format.ts";
import type { Bar } from "../model/timeline.ts";

interface Props {
  bars: readonly Bar[];
  /** The day up to which the timeline goes; empty: up to now. */
  chosen: string;
  choose: (day: string) => void;
}

export function ActivityStrip({ bars, chosen, choose }: Props) {
  const first = bars[0];
  const last = bars.at(-1);
  if (!first || !last) return null;
  return (
    <div class="activity" role="group" aria-label="Activity by day">
      <div class="days">
        {bars.map((bar) => (
          <button type="button" key={bar.day} class={bar.failed_requests ? "failed" : ""} aria-pressed={bar.day === chosen} aria-label={inWords(bar)} title={inWords(bar)} disabled={!bar.share} onClick={() => choose(bar.day === chosen ? "" : bar.day)}>
            <span style={{ height: `${Math.max(bar.share ? 6 : 0, bar.share * 100)}%` }} />
          </button>
        ))}
      </div>
      <p class="ends muted">
        <span>{date(first.at)}</span>
        <span>{date(last.at)}</span>
      </p>
    </div>
  );
}

function inWords({ at, events, requests, failed_requests }: Bar): string {
  const parts = [counted(events, "event"), counted(requests, "request"), failed_requests ? `${failed_requests} failed` : ""];
  return `${date(at)}: ${parts.filter(Boolean).join(", ")}`;
}

/** Days are those of UTC, as they are counted. */
function date(at: number): string {
  return dateIn(at, "UTC", { day: "numeric", month: "short", weekday: "short" });
}
