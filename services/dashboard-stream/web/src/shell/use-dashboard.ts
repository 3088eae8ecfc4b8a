/** The dashboard that is looked at, as the service describes it with what the address chooses for its variables. */
import { useRef } from "preact/hooks";
import { fetchDashboard } from "../live/dashboards.ts";
import { useAsked } from "../live/use-asked.ts";
import type { Dashboard } from "../model/catalogue.ts";
import { choiceOf } from "../model/variables.ts";

/** It changes with the catalogue, which says when. */
const NEVER_MS = 1_000_000_000;

export interface Described {
  /** `null` until it is described. */
  dashboard: Dashboard | null;
  /** Whether there is none of that name. */
  missing: boolean;
  /** What the address chooses, with its `?`; empty: nothing. */
  choice: string;
  again: () => void;
}

export function useDashboard(name: string, query: string, catalogue: Dashboard[] | null): Described {
  const listed = catalogue?.find((one) => one.name === name) ?? null;
  // Until the variables are known, what the address says is sent as it is: the feed need not wait.
  const choice = choiceOf(query, catalogue ? (listed?.variables ?? []) : undefined);
  const key = listed && choice ? JSON.stringify([name, choice, listed.revision]) : null;
  const [asked, again] = useAsked(key, NEVER_MS, (signal) => fetchDashboard(name, signal, choice));
  // While another choice is described, the panels stay where they are.
  const before = useRef<Dashboard | null>(null);
  const described = choice ? asked.value : listed;
  if (described) before.current = described;
  const dashboard = described ?? (before.current?.name === name ? before.current : null);
  return { dashboard, missing: catalogue !== null && !listed, choice, again };
}
