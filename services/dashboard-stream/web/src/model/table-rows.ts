/** The rows of a table as a reader wants them: found by their words, in the order of a column. Pure. */
import { duration } from "./format.ts";

export interface Row {
  value: string;
  /** As it is shown. */
  text: string;
  numbers: readonly (number | null)[];
}

/** The column, -1 being the words; `falling`: the largest first. */
export interface Order {
  column: number;
  falling: boolean;
}

export const FIRST: Order = { column: 0, falling: true };

/** After a click on the head of `column`: numbers begin with the largest, words with the first letter; the same column turns round. */
export function clicked(order: Order, column: number): Order {
  return order.column === column ? { column, falling: !order.falling } : { column, falling: column >= 0 };
}

/** What is not known comes last, whichever way. */
export function arranged(rows: readonly Row[], { column, falling }: Order, search: string): Row[] {
  const words = search.trim().toLowerCase();
  const found = rows.filter(({ value, text }) => !words || text.toLowerCase().includes(words) || value.toLowerCase().includes(words));
  const way = falling ? -1 : 1;
  return found.sort((a, b) => {
    if (column < 0) return way * a.text.localeCompare(b.text);
    const [one, other] = [a.numbers[column] ?? null, b.numbers[column] ?? null];
    if (one === null || other === null) return Number(one === null) - Number(other === null) || a.text.localeCompare(b.text);
    return way * (one - other) || a.text.localeCompare(b.text);
  });
}

/** Over which times the numbers of columns are taken: `last 10 s, p95 last 1 min`. Columns without `seconds` say it themselves. */
export function windowsInWords(columns: readonly { title: string; seconds: number | null }[]): string {
  const titles = new Map<number, string[]>();
  for (const { title, seconds } of columns) if (seconds !== null) titles.set(seconds, [...(titles.get(seconds) ?? []), title]);
  // The window of most columns needs no names.
  const [usual, ...others] = [...titles].sort(([, a], [, b]) => b.length - a.length);
  if (!usual) return "";
  const last = (seconds: number) => `last ${duration(seconds * 1000)}`;
  return [last(usual[0]), ...others.map(([seconds, some]) => `${some.join(", ")} ${last(seconds)}`)].join(", ");
}
