/**
 * Whether a panel of a capsule has texts and numbers where panels have them. Pure.
 *
 * Charts are drawn after the page was rendered, one by one: what is wrong there would fail outside of the error boundary, without a message.
 */

const TEXTS = new Set([
  ...["id", "kind", "title", "description", "name", "text", "head", "word", "tone", "unit", "style", "show", "direction", "measures"],
  ...["metric", "field", "by", "span", "resolution", "out_of", "aggregate", "expression", "where"],
  ...["service", "operation", "status", "severity", "order"],
]);
const NUMBERS = new Set(["lower", "upper", "target", "warn", "bad", "top", "over_s", "x"]);
/** Their names are those of dimensions. */
const CONDITIONS = new Set(["only", "without"]);
const MOST_TEXT = 10_000;

/** The name of the first field in `panel` that has not what it has in panels; empty: all have. */
export function wrongField(panel: unknown): string {
  if (typeof panel !== "object" || panel === null) return "";
  for (const [name, value] of Object.entries(panel)) {
    if (TEXTS.has(name) && (typeof value !== "string" || value.length > MOST_TEXT)) return name;
    if (NUMBERS.has(name) && typeof value !== "number") return name;
    const within = CONDITIONS.has(name) ? "" : wrongField(value);
    if (within) return within;
  }
  return "";
}
