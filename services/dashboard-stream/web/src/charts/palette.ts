/** Colours of charts, by theme. */

export type Theme = "light" | "dark";

/** The colours of a theme, read from the style sheet: charts and page have one source. */
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

/** The palette of `theme`, which must be the one that is shown. */
export function palette(theme: Theme): Palette {
  if (cached?.theme === theme) return cached.palette;
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const many = (name: string, count: number) => Array.from({ length: count }, (_, i) => token(`${name}-${i + 1}`));
  const colours: Palette = {
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
  cached = { theme, palette: colours };
  return colours;
}
