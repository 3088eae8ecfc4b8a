/** What is typed into a field for a number. Pure. */

/** The number; what is none stays as it is typed. */
export function numeric(text: string): number | string {
  const value = Number(text);
  return text.trim() && Number.isFinite(value) ? value : text.trim();
}
