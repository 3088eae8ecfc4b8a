/** Asks the service which dashboards there are, and has it check, store and delete documents. */
import type { Dashboard } from "../model/catalogue.ts";
import type { DashboardDocument } from "../model/contracts.ts";
import type { CheckedDocument, DocumentConflict, StoredDocument, WholeDashboard } from "../model/dashboards.ts";
import type { Fault } from "../model/definition.ts";
import { NoAnswer, of, replaces, send } from "./analytics.ts";

export const CATALOGUE = "/api/dashboard/dashboards";
const CHECK = "/api/dashboard/check-dashboard";

/** The dashboards; raises where the service does not answer as it should. */
export async function fetchCatalogue(signal: AbortSignal): Promise<Dashboard[]> {
  return (await of<{ dashboards: Dashboard[] }>(await send("GET", CATALOGUE, { signal }))).dashboards;
}

/** One dashboard with its whole document, described with what `choice` (with its `?`) chooses; raises {@link NoAnswer}. */
export async function fetchDashboard(name: string, signal: AbortSignal, choice = ""): Promise<WholeDashboard> {
  return of<WholeDashboard>(await send("GET", addressOf(name) + choice, { signal }));
}

/** What storing `document` (or a text of JSON or YAML) would say; nothing is stored. */
export async function checkDashboard(document: DashboardDocument | string, signal?: AbortSignal): Promise<CheckedDocument> {
  const given = typeof document === "string" ? textOf(document) : { body: document };
  return of<CheckedDocument>(await send("POST", CHECK, { ...given, signal }));
}

/** Stores `document` in place of `revision` (0: there is none yet). */
export async function storeDashboard(document: DashboardDocument, revision: number): Promise<StoredDocument> {
  const answer = await send("PUT", addressOf(document.name), { body: document, headers: replaces(revision) });
  if (answer.status === 409) return { conflict: (await answer.json()) as DocumentConflict };
  if (answer.status === 422) {
    const said = (await answer.json()) as { faults?: Fault[]; error: string; field?: string };
    return { faults: said.faults ?? [{ field: said.field ?? "", error: said.error }] };
  }
  return { stored: await of<WholeDashboard>(answer) };
}

/** Deletes the dashboard; raises {@link NoAnswer}, also where somebody changed it after `revision`. */
export async function deleteDashboard(name: string, revision: number): Promise<void> {
  const answer = await send("DELETE", addressOf(name), { headers: replaces(revision) });
  if (answer.status === 409) throw new NoAnswer("Somebody else changed it meanwhile, so it was not deleted: look at it again.", 409);
  await of(answer);
}

function addressOf(name: string): string {
  return `${CATALOGUE}/${encodeURIComponent(name)}`;
}

/** JSON begins with a brace; everything else may be YAML. */
function textOf(text: string): { text: string; headers: Record<string, string> } {
  const type = text.trimStart().startsWith("{") ? "application/json" : "application/yaml";
  return { text, headers: { "content-type": type } };
}
