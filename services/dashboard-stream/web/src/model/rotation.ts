/** Dashboards one after another on a screen on a wall: `?kiosk&rotate=30s&dashboards=system_overview,checkout`. Pure. */
import { inKiosk } from "./kiosk.ts";

export interface Rotation {
  everyMs: number;
  /** Names, in their order; none: those of the navigation. */
  dashboards: string[];
}

export const LEAST_MS = 5_000;
export const MOST_MS = 24 * 3_600_000;

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** What an address says of it; `null` where nothing rotates. */
export function rotationOf(query: string): Rotation | null {
  if (!inKiosk(query)) return null;
  const said = new URLSearchParams(query);
  const [, number, unit = "s"] = /^([0-9]{1,6})(s|m|h)?$/.exec(said.get("rotate") ?? "") ?? [];
  if (!number) return null;
  const everyMs = Math.min(MOST_MS, Math.max(LEAST_MS, Number(number) * (UNITS_MS[unit] ?? 1000)));
  return { everyMs, dashboards: [...new Set((said.get("dashboards") ?? "").split(",").map((name) => name.trim()).filter(Boolean))] };
}

/** The dashboard `steps` after `current`, of those that are there; `null` where there is no other one. */
export function nextOf(rotation: Rotation, there: readonly string[], listed: readonly string[], current: string, steps = 1): string | null {
  const names = (rotation.dashboards.length ? rotation.dashboards : listed).filter((name) => there.includes(name));
  const place = names.indexOf(current);
  const next = names[(((place < 0 && steps < 0 ? 0 : place) + steps) % names.length + names.length) % names.length];
  return next === undefined || next === current ? null : next;
}
