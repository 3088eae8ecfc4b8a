/** Colours of charts, by theme. */

export type Theme = "light" | "dark";

/** The colours of a theme, read from the style sheet: charts and page have one source. */
export interface Palette {
  surface: string;
  line: string;
  text: string;
  muted: string;
  good: string;
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
  // A token names both schemes: which colour it is, only an element that wears it knows.
  const probe = document.documentElement.appendChild(document.createElement("i"));
  const token = (name: string) => {
    probe.style.color = `var(--${name})`;
    return hex(getComputedStyle(probe).color);
  };
  const many = (name: string, count: number) => Array.from({ length: count }, (_, i) => token(`${name}-${i + 1}`));
  const colours: Palette = {
    surface: token("surface"),
    raised: token("raised"),
    line: token("line"),
    text: token("text"),
    muted: token("muted"),
    good: token("good"),
    warn: token("warn"),
    bad: token("bad"),
    series: many("series", 8),
    ramp: many("ramp", 6),
  };
  probe.remove();
  cached = { theme, palette: colours };
  return colours;
}

/** `#0b7a6b` of `rgb(11, 122, 107)`, as a browser computes a colour. */
export function hex(computed: string): string {
  const parts = computed.match(/\d+/g)?.slice(0, 3) ?? [];
  return `#${parts.map((part) => Number(part).toString(16).padStart(2, "0")).join("")}`;
}
