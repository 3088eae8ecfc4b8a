/** Which horizon is shown, where there are several. */
import { duration } from "../model/format.ts";

interface Props {
  of: string;
  horizons: number[];
  /** The one that is on the screen, chosen or not. */
  shown: number;
  chosen: number | null;
  choose: (horizon: number | null) => void;
}

/** Choosing what is chosen goes back to the one that fits the time shown. */
export function Horizons({ of, horizons, shown, chosen, choose }: Props) {
  if (horizons.length < 2) return null;
  return (
    <span class="horizons" role="group" aria-label={`Forecast horizon, ${of}`}>
      {horizons.map((horizon) => (
        <button
          type="button"
          key={horizon}
          class={horizon === shown ? "shown" : ""}
          aria-pressed={horizon === chosen}
          title={horizon === chosen ? "back to automatic" : "show the whole forecast"}
          onClick={() => choose(horizon === chosen ? null : horizon)}
        >
          {duration(Math.round(horizon / 60_000) * 60_000)}
        </button>
      ))}
    </span>
  );
}
