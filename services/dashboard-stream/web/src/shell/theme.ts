/** Light or dark: what the reader chose, else what the system says. The choice is remembered. */
import type { Theme } from "../charts/palette.ts";

const KEY = "drishti.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

export function theme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "light" || chosen === "dark" ? chosen : system.matches ? "dark" : "light";
}

/** Changes to the other theme, for this visit and the next ones. */
export function toggle(): void {
  const other = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = other;
  try {
    localStorage.setItem(KEY, other);
  } catch {
    // Storage is forbidden here: the choice holds for this visit.
  }
  for (const listener of listeners) listener();
}

/** Calls `listener` when the theme changes, until the returned function is called. */
export function onTheme(listener: () => void): () => void {
  const changed = () => {
    if (!document.documentElement.dataset.theme) listener();
  };
  listeners.add(listener);
  system.addEventListener("change", changed);
  return () => {
    listeners.delete(listener);
    system.removeEventListener("change", changed);
  };
}
