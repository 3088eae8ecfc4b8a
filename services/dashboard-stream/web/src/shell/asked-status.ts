/** What the header says of the age of an answer. */
import type { Status } from "../live/status.ts";
import type { AskedWord } from "../model/asked.ts";

export const STATUS: Readonly<Record<AskedWord, Status>> = {
  loading: { word: "loading", tone: "quiet", why: "" },
  failed: { word: "not there", tone: "bad", why: "" },
  // Said aloud where it changes: not each time that it is asked again.
  refreshing: { word: "current", tone: "good", why: "" },
  stale: { word: "stale", tone: "warn", why: "" },
  current: { word: "current", tone: "good", why: "" },
};
