/** Chooses the range of time of an explorer page: the last so much, or the range that a link has named. */
import type { Range } from "../model/metric-choice.ts";
import { LAST, type TimeWindow, TRACE_RANGES, windowInWords } from "../model/time-range.ts";

interface Props {
  window: TimeWindow;
  show: (changed: TimeWindow) => void;
  now: number;
  ranges?: readonly Range[];
}

export function TimeRange({ window, show, now, ranges = TRACE_RANGES }: Props) {
  const fixed = window.from > 0;
  return (
    <>
      <div class="segments" role="group" aria-label="Time range">
        {ranges.map((one) => (
          <button type="button" key={one.name} aria-pressed={!fixed && one === window.range} onClick={() => show({ range: one, ...LAST })}>
            {one.title}
          </button>
        ))}
      </div>
      {fixed && (
        <button type="button" class="tag" aria-label="Back to the last minutes" onClick={() => show({ range: window.range, ...LAST })}>
          {windowInWords(window, now)} ×
        </button>
      )}
    </>
  );
}
