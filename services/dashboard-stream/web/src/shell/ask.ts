/** How forms ask for numbers and values up to now. */
import { fetchAnswers, gatewayNow } from "../live/analytics.ts";
import type { Ask } from "../panels/use-values.ts";

export const ASK: Ask = async (questions, ms, resolution, signal) => {
  const now = gatewayNow();
  return { set: await fetchAnswers({ questions, from: now - ms, to: now, resolutions: [resolution] }, signal), now };
};
