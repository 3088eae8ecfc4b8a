/** Over which time a number is taken, in the corner of its panel. */
import type { Board } from "../model/board.ts";
import type { Units } from "../model/catalogue.ts";
import type { PanelQuestion } from "../model/contracts.ts";
import { duration } from "../model/format.ts";
import { readingOf } from "../model/panels.ts";

export function Over({ question, board, units }: { question: PanelQuestion; board: Board; units: Units }) {
  if (board.range?.whole) return <small>whole range</small>;
  if (question.span) return <small>{question.span === "1h" ? "this hour" : "24 hours"}</small>;
  const seconds = units.windowOf(readingOf(question));
  return seconds === null ? null : <small>last {duration(seconds * 1000)}</small>;
}
