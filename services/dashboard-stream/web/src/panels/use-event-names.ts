/** The names of events and properties that a form offers, asked once. */
import { fetchEventNames } from "../live/product.ts";
import { useAsked } from "../live/use-asked.ts";
import type { EventNames } from "../model/contracts.ts";

const EVERY_MS = 120_000;

export function useEventNames(): EventNames | null {
  const [names] = useAsked("event-names", EVERY_MS, fetchEventNames);
  return names.value;
}
