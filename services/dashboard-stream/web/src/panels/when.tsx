/** How long ago something was; the instant itself when it is pointed at. */
import { dayAndTime, duration, time } from "../model/format.ts";

export function When({ at, now }: { at: number; now: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={`${dayAndTime(at)} (${time(at)})`}>
      {now - at < 1_000 ? "now" : `${duration(now - at)} ago`}
    </time>
  );
}
