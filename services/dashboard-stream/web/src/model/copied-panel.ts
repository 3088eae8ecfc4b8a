/** A panel that is copied from one dashboard to another, or to the clipboard and back, with the variables that it names. Pure. */
import type { DashboardDocument } from "./contracts.ts";
import type { Panel } from "./panels.ts";

export type Variable = NonNullable<DashboardDocument["variables"]>[number];

/** A panel with those variables of its dashboard that it names. */
export interface CopiedPanel {
  panel: Panel;
  variables: Variable[];
}

/** A variable's name behind its `$`, which is no `$$`. */
const NAMED = /(?<!\$)(?:\$\$)*\$([a-z][a-z0-9_]{0,31})/g;

export function copied(panel: Panel, variables: readonly Variable[]): CopiedPanel {
  const named = new Set([...JSON.stringify(panel).matchAll(NAMED)].map((match) => match[1]));
  return { panel, variables: variables.filter(({ name }) => named.has(name)) };
}

/** As it is in the clipboard. */
export function textOf(one: CopiedPanel): string {
  return JSON.stringify(one, null, 2);
}

/** Characters: no panel has nearly as many. */
export const MOST_PASTED = 262_144;

/** What the clipboard has, where that may be a panel: whoever takes it checks it. */
export function panelIn(text: string): CopiedPanel | null {
  try {
    const { panel, variables = [] } = JSON.parse(text) as CopiedPanel;
    return typeof panel?.kind === "string" && typeof panel.title === "string" && Array.isArray(variables) ? { panel, variables } : null;
  } catch {
    return null; // Any other text.
  }
}

/** `dashboard` with the panel as its last one: `added` are the variables that it lacked, `other` those that are of something else there. */
export function withPanel(dashboard: DashboardDocument, { panel, variables }: CopiedPanel): { document: DashboardDocument; added: string[]; other: string[] } {
  const [panels, there] = [dashboard.panels ?? [], dashboard.variables ?? []];
  const missing = variables.filter(({ name }) => !there.some((one) => one.name === name));
  const other = variables.filter(({ name, metric, dimension }) => there.some((one) => one.name === name && (one.metric !== metric || one.dimension !== dimension)));
  const { x: _, ...layout } = panel.layout ?? {};
  const copy = { ...panel, id: freeId(panels, panel.id ?? panel.kind), layout: Object.keys(layout).length ? layout : undefined };
  return {
    document: { ...dashboard, panels: [...panels, copy], ...(missing.length ? { variables: [...there, ...missing] } : {}) },
    added: missing.map(({ name }) => name),
    other: other.map(({ name }) => name),
  };
}

/** Longer names leave no room for a number. */
const MOST_STEM = 56;

/** An id that no panel has: panels keep theirs when they move, so that what is drawn of them moves along. */
export function freeId(panels: readonly Panel[], stem: string): string {
  const taken = new Set(panels.map((one) => one.id));
  const begin = stem.replace(/-\d+$/, "").slice(0, MOST_STEM);
  let number = 1;
  while (taken.has(`${begin}-${number}`)) number += 1;
  return `${begin}-${number}`;
}
