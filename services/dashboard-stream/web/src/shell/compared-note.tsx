/** Which period a dashboard is compared with, or why it cannot be, and the way to compare no more. */
import type { Asked } from "../model/asked.ts";
import type { Before } from "../model/compared.ts";
import { boundsInWords } from "../model/range-words.ts";
import { gatewayNow } from "../live/analytics.ts";

interface Props {
  compared: Asked<Before> | null;
  words: string;
  stop: () => void;
}

export function ComparedNote({ compared, words, stop }: Props) {
  const before = compared?.value;
  const why = compared?.failure?.why ?? before?.problems.join("; ");
  return (
    <p class="compared-note" role="status">
      <span>
        {before ? `Compared with ${before.words}: ${boundsInWords(before.bounds, gatewayNow())}, the faint lines.` : why ? "" : `${words}: loading…`}
        {why && <span class="warn"> {before ? "" : "The period before cannot be read: "}{why}</span>}
      </span>
      <button type="button" onClick={stop}>
        Stop comparing
      </button>
    </p>
  );
}
