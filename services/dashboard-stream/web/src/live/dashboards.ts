/** Asks the service which dashboards there are. */
import type { Dashboard } from "../model/catalogue.ts";

export const CATALOGUE = "/api/dashboard/dashboards";

/** The dashboards; raises where the service does not answer as it should. */
export async function fetchCatalogue(signal: AbortSignal): Promise<Dashboard[]> {
  const answer = await fetch(CATALOGUE, { cache: "no-store", signal });
  if (!answer.ok) throw new Error(`${CATALOGUE} answered ${answer.status}`);
  return ((await answer.json()) as { dashboards: Dashboard[] }).dashboards;
}
