/** What a replay is controlled with: play and pause, where it is, how fast, and the way out. */
import { inWords, time } from "../model/format.ts";
import { SEEK_MS, SPEEDS, stepped } from "../model/replay.ts";
import type { Replay } from "./use-replay.ts";

interface Props {
  replay: Replay;
  speed: number;
  setSpeed: (speed: number) => void;
  stop: () => void;
}

export function ReplayBar({ replay, speed, setSpeed, stop }: Props) {
  const { bounds, cursor, playing, play, seek } = replay;
  const ended = cursor >= bounds.to;
  const share = inWords((cursor - bounds.from) / Math.max(1, bounds.to - bounds.from), "share");
  const speeds = SPEEDS.some((one) => one === speed) ? SPEEDS : [...SPEEDS, speed].sort((a, b) => a - b);
  return (
    <div class="replay-bar" role="group" aria-label="Replay">
      <button type="button" onClick={() => play(!playing)}>
        {playing ? "Pause replay" : ended ? "Play again" : "Play"}
      </button>
      <input
        type="range"
        aria-label="Position"
        aria-valuetext={`${time(cursor)}, ${share}`}
        min={bounds.from}
        max={bounds.to}
        step={SEEK_MS}
        value={cursor}
        onKeyDown={(event) => {
          const at = stepped(event.key, cursor, bounds);
          if (at === null || event.ctrlKey || event.metaKey || event.altKey) return;
          event.preventDefault();
          seek(at);
        }}
        onInput={(event) => seek(Number(event.currentTarget.value))}
      />
      <output>{ended ? "all of it: the numbers of the whole range" : `${time(cursor)} of ${time(bounds.to)}`}</output>
      <label>
        Speed
        <select value={speed} onChange={(event) => setSpeed(Number(event.currentTarget.value))}>
          {speeds.map((one) => (
            <option key={one} value={one}>
              {one}×
            </option>
          ))}
        </select>
      </label>
      <button type="button" onClick={stop}>
        End replay
      </button>
    </div>
  );
}
