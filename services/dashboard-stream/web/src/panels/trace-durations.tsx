/** A histogram of the durations of spans, over which a range is dragged. */
import { useRef, useState } from "preact/hooks";
import type { DurationBucket, FacetAnswer } from "../model/contracts.ts";
import { durationsOf, spent, type TraceChoice } from "../model/explorer.ts";
import { plain } from "../model/format.ts";

interface Props {
  facets: FacetAnswer;
  choice: TraceChoice;
  show: (changed: Partial<TraceChoice>) => void;
}

export function TraceDurations({ facets, choice, show }: Props) {
  const { durations } = facets;
  const most = Math.max(...durations.map((bucket) => bucket.spans));
  const columns = useRef<HTMLDivElement>(null);
  /** The buckets between which somebody drags. */
  const [dragged, setDragged] = useState<readonly [number, number] | null>(null);
  const title = (bucket: DurationBucket) => `${spent(bucket.from_ms)} to ${spent(bucket.to_ms)}: ${bucket.spans} spans${bucket.errors ? `, ${bucket.errors} failed` : ""}`;
  const select = (one: number, other: number) => show(durationsOf(durations, one, other));
  /** The bucket under the pointer, the nearest one beside all. */
  const under = (event: PointerEvent) => {
    const boxes = [...(columns.current?.children ?? [])].map((child) => child.getBoundingClientRect());
    return Math.max(0, boxes.findLastIndex((box) => event.clientX >= box.left));
  };
  const inside = (place: number) => dragged !== null && place >= Math.min(...dragged) && place <= Math.max(...dragged);
  return (
    <section class="panel durations" aria-label="Durations">
      <h2>
        {plain(facets.spans, "{span}")} {facets.sampled ? "newest " : ""}spans by duration
        {facets.errors > 0 && <span class="bad"> {plain(facets.errors, "{span}")} failed</span>}
      </h2>
      <div
        ref={columns}
        class={durations.length > 12 ? "histogram many" : "histogram"}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setDragged([under(event), under(event)]);
        }}
        onPointerMove={(event) => dragged && setDragged([dragged[0], under(event)])}
        onPointerCancel={() => setDragged(null)}
        onPointerUp={(event) => {
          if (dragged) select(dragged[0], under(event));
          setDragged(null);
        }}
      >
        {durations.map((bucket, place) => (
          <button
            type="button"
            key={bucket.from_ms}
            class={inside(place) ? "inside" : ""}
            title={`${title(bucket)}. Drag to select a range.`}
            aria-label={`${title(bucket)}. Shows these alone.`}
            // The pointer has selected already; without one, a key or a screen reader has pressed.
            onClick={(event) => event.detail === 0 && select(place, place)}
          >
            <span class="column" style={{ height: `${Math.max(2, (bucket.spans / most) * 100)}%` }}>
              <span class="failed" style={{ height: `${(bucket.errors / bucket.spans) * 100}%` }} />
            </span>
            <small>{spent(bucket.from_ms)}</small>
          </button>
        ))}
      </div>
      <p class="muted">
        {choice.min || choice.max ? (
          <button type="button" class="link" onClick={() => show({ min: "", max: "" })}>
            All durations
          </button>
        ) : (
          "Drag over the columns to select a range."
        )}
        {choice.min === "" && durations.length > 4 && (
          <>
            {" "}
            <button type="button" class="link" onClick={() => show({ min: String(durations.at(-3)?.from_ms ?? 0), slowest: true })}>
              The slowest only
            </button>
          </>
        )}
      </p>
    </section>
  );
}
