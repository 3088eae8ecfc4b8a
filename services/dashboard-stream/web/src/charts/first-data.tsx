/** What stands where nothing has arrived yet, with the way to what must be sent. */
import { METRICS_PATH } from "../model/metric-choice.ts";

export const WAITING = "Waiting for the first data";

/** `metric`: the token of the one that is waited for; its page says what it is drawn from and where that is to be sent. */
export function FirstData({ metric }: { metric: string }) {
  return (
    <p class="empty first-data">
      <span>{WAITING}</span>
      {metric && (
        <small>
          of <a href={`${METRICS_PATH}?metric=${encodeURIComponent(metric)}`}>{metric}</a>
        </small>
      )}
    </p>
  );
}
