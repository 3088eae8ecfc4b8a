/** The values of a dimension by size, and what each is of the whole. Pure. */
import type { Board } from "./board.ts";
import type { PanelQuestion } from "./contracts.ts";
import { labelled, labelText, tooltip } from "./names.ts";
import { readingOf } from "./panels.ts";

export interface Part {
  /** The value of the dimension; `null` for what is not told apart. */
  value: string | null;
  text: string;
  tooltip: string | undefined;
  number: number;
}

export interface Parts {
  parts: Part[];
  /** How many values have a number and are not among the parts. */
  more: number;
  /** Whether any value of the dimension was ever seen; its numbers may not be known now. */
  seen: boolean;
}

/** The `top` largest values of the question's dimension. */
export function largest(board: Board, question: PanelQuestion, top: number): Parts {
  const { known, seen } = all(board, question);
  return { parts: known.slice(0, top), more: Math.max(0, known.length - top), seen };
}

/**
 * At most `most` parts that add up to `whole`: what is beyond them is put together, and so is what the total holds beside all
 * values that are told apart. Parts of nothing are left out.
 */
export function partsOfWhole(board: Board, question: PanelQuestion, most: number): Parts & { whole: number } {
  const { known, seen } = all(board, question);
  const total = question.total === false ? null : board.value(readingOf(question));
  return { ...foldedParts(known, most, total), seen };
}

/** The same of `known` parts, the largest first; `total` is the number of all of it, where that is known. */
export function foldedParts(known: readonly Part[], most: number, total: number | null): Omit<Parts, "seen"> & { whole: number } {
  const positive = known.filter((part) => part.number > 0);
  const kept = positive.length > most ? positive.slice(0, most - 1) : positive;
  const others = positive.slice(kept.length);
  const apart = positive.reduce((sum, part) => sum + part.number, 0);
  const whole = Math.max(apart, total ?? 0);
  const rest = others.reduce((sum, part) => sum + part.number, 0) + (whole - apart);
  // Sums of rounded numbers differ from the rounded sum: that is no part.
  if (others.length || rest > 0.005 * whole) {
    const text = others.length ? `${others.length} others` : "not told apart";
    return { parts: [...kept, { value: null, text, tooltip: undefined, number: rest }], more: others.length, whole };
  }
  return { parts: kept, more: 0, whole };
}

function all(board: Board, question: PanelQuestion): { known: Part[]; seen: boolean } {
  const { by } = question;
  if (!by) return { known: [], seen: false };
  const reading = readingOf(question);
  const values = board.labelValues(reading, by);
  const known = values.flatMap((value) => {
    const number = board.value(labelled(reading, by, value));
    const given = board.given(by, value);
    return number === null ? [] : [{ value, text: labelText(by, value, given), tooltip: tooltip(value, given), number }];
  });
  known.sort((a, b) => b.number - a.number || a.text.localeCompare(b.text));
  return { known, seen: values.length > 0 };
}
