/** Light or dark: what the reader chose, else what the system says. The choice is remembered. */

export type Theme = "light" | "dark";

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

/** The colours of the present theme, read from the style sheet: charts and page have one source. */
export interface Palette {
  surface: string;
  line: string;
  text: string;
  muted: string;
  warn: string;
  bad: string;
  series: string[];
  ramp: string[];
  raised: string;
}

let cached: { theme: Theme; palette: Palette } | null = null;

export function palette(): Palette {
  const now = theme();
  if (cached?.theme === now) return cached.palette;
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const many = (name: string, count: number) => Array.from({ length: count }, (_, i) => token(`${name}-${i + 1}`));
  const found: Palette = {
    surface: token("surface"),
    raised: token("raised"),
    line: token("line"),
    text: token("text"),
    muted: token("muted"),
    warn: token("warn"),
    bad: token("bad"),
    series: many("series", 8),
    ramp: many("ramp", 6),
  };
  cached = { theme: now, palette: found };
  return found;
}
