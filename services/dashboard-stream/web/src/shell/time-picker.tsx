/** Chooses the range of time of a dashboard: offered, typed, or between two instants, and the zone of its clock. */
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { COMPARISONS, isComparison } from "../model/compared.ts";
import { zone } from "../model/format.ts";
import { PRESETS } from "../model/range-words.ts";
import { boundsOf, fault, iso, type Shown } from "../model/shown-time.ts";

/** A first look at a range; slower is chosen there. */
const FASTEST = 60;

interface Props {
  shown: Shown;
  /** What is chosen, in words. */
  title: string;
  /** The present, when it is needed. */
  now: () => number;
  show: (changed: Partial<Shown>) => void;
}

export function TimePicker({ shown, title, now, show }: Props) {
  const [open, setOpen] = useState(false);
  const [leftwards, setLeftwards] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  useLayoutEffect(() => {
    if (!open) return undefined;
    const outside = (event: PointerEvent) => {
      if (event.target instanceof Node && !place.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    // The row of controls may stand at either side of the header.
    setLeftwards((place.current?.getBoundingClientRect().left ?? 0) > innerWidth / 2);
    place.current?.querySelector<HTMLElement>("[aria-pressed=true], .presets button")?.focus();
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);
  const choose = (changed: Partial<Shown>) => {
    show(changed);
    close();
  };
  return (
    <div
      class="time-picker"
      ref={place}
      onKeyDown={(event) => {
        if (!open || event.key !== "Escape") return;
        // Another Escape leaves the range.
        event.stopPropagation();
        close();
      }}
    >
      <button type="button" ref={button} class="chosen-range" aria-haspopup="dialog" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
        {title} <span aria-hidden="true">▾</span>
      </button>
      {open && (
        <div class={leftwards ? "time-dialog leftwards" : "time-dialog"} id={id} role="dialog" aria-label="Time range">
          <div class="presets" role="group" aria-label="Time shown">
            {PRESETS.map((one) => (
              <button
                type="button"
                key={one.title}
                aria-pressed={one.from === shown.from && one.to === shown.to}
                onClick={() => choose({ from: one.from, to: one.to, paused: 0, replay: 0 })}
              >
                {one.title}
              </button>
            ))}
          </div>
          <Typed shown={shown} now={now} choose={choose} />
          <label class="compare">
            <span>Compare with</span>
            <select value={shown.compare ?? ""} onChange={(event) => show({ compare: isComparison(event.currentTarget.value) ? event.currentTarget.value : null })}>
              <option value="">nothing</option>
              {COMPARISONS.map((one) => (
                <option key={one.name} value={one.name}>
                  {one.title}
                </option>
              ))}
            </select>
          </label>
          <button type="button" onClick={() => choose(replayed(shown, now()))}>
            Replay this range
          </button>
          <div class="segments" role="group" aria-label="Time zone">
            <button type="button" aria-pressed={!shown.utc} title={shown.utc ? undefined : zone()} onClick={() => show({ utc: false })}>
              Local time
            </button>
            <button type="button" aria-pressed={shown.utc} onClick={() => show({ utc: true })}>
              UTC
            </button>
          </div>
        </div>
      )}
    </div>
  );
}

/** What moves stands still for a replay: its link shows the same to somebody else. */
function replayed(shown: Shown, now: number): Partial<Shown> {
  const { from, to } = boundsOf(shown, now);
  return { from: iso(Math.floor(from / 1000) * 1000), to: iso(Math.floor(Math.min(to, now) / 1000) * 1000), paused: 0, replay: FASTEST };
}

function Typed({ shown, now, choose }: { shown: Shown; now: () => number; choose: (changed: Partial<Shown>) => void }) {
  const [problem, setProblem] = useState<ReturnType<typeof fault>>(null);
  const id = useId();
  const bounds = boundsOf(shown, now());
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const [from, to] = ["from", "to"].map((name) => String(form.get(name)).trim()) as [string, string];
    const wrong = fault(from, to, now(), shown.utc);
    setProblem(wrong);
    if (wrong) return;
    // A link says the same instant to somebody in another zone.
    const chosen = boundsOf({ ...shown, from, to, paused: 0 }, now());
    const said = (text: string, at: number) => (/^now/i.test(text) ? text.toLowerCase() : iso(at));
    choose({ from: said(from, chosen.from), to: said(to, chosen.to), paused: 0, replay: 0 });
  };
  const field = (name: "from" | "to", title: string) => (
    <label>
      <span>{title}</span>
      <input
        name={name}
        key={shown[name]}
        defaultValue={shown.paused ? iso(bounds[name]) : shown[name]}
        autocomplete="off"
        spellcheck={false}
        aria-invalid={problem?.field === name}
        aria-describedby={problem?.field === name ? id : undefined}
      />
    </label>
  );
  return (
    <form onSubmit={submit}>
      {field("from", "From")}
      {field("to", "To")}
      <button type="submit">Show</button>
      <p class="muted" id={id} role={problem ? "alert" : undefined}>
        {problem ? <span class="bad">{problem.why}</span> : "now-2h, now-1d/d, 2026-03-01 14:30"}
      </p>
    </form>
  );
}
