/** Which time a dashboard shows, and controls to pause, to resume, and to return to the present. */
import type { Shown } from "../model/shown-time.ts";
import { TimePicker } from "./time-picker.tsx";

interface Props {
  shown: Shown;
  title: string;
  now: () => number;
  show: (changed: Partial<Shown>) => void;
  pause: (on: boolean) => void;
  /** `null` where the present is shown. */
  back: (() => void) | null;
}

export function TimeControls({ shown, title, now, show, pause, back }: Props) {
  const paused = shown.paused > 0;
  return (
    <>
      <TimePicker shown={shown} title={title} now={now} show={show} />
      {back ? (
        <button type="button" class="back-to-live" onClick={back}>
          Back to live
        </button>
      ) : (
        <button type="button" aria-pressed={paused} onClick={() => pause(!paused)}>
          {paused ? "Resume" : "Pause"}
        </button>
      )}
    </>
  );
}
