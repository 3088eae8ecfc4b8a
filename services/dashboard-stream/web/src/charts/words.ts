/** Words in a chart, placed so that none lies on another one, or on the axes. Pure. */
import type { Annotation } from "plotly.js";

/** The part of the drawing that has data in it, in pixels, with the values at its edges. */
export interface Ground {
  width: number;
  height: number;
  from: number;
  to: number;
  bottom: number;
  top: number;
}

interface Box {
  left: number;
  right: number;
  upper: number;
  lower: number;
}

/** Of the 11 px type of the charts; letters are narrower on the whole. */
const LETTER_PX = 6.2;
const LINE_PX = 14;
const GAP_PX = 2;

/**
 * `words`, those that matter most first: each where it wants to be, or above instead of below its place, or on the other side of it. What
 * has no room is left out.
 */
export function apart(words: readonly Partial<Annotation>[], ground: Ground): Partial<Annotation>[] {
  const placed: Box[] = [];
  const result: Partial<Annotation>[] = [];
  for (const word of words) {
    for (const tried of [word, below(word), aside(word), aside(below(word))]) {
      const box = boxOf(tried, ground);
      if (!inside(box, ground) || placed.some((other) => overlap(box, other))) continue;
      placed.push(box);
      result.push(tried);
      break;
    }
  }
  return result;
}

function below(word: Partial<Annotation>): Partial<Annotation> {
  if (word.yanchor === "top") return { ...word, yanchor: "bottom" };
  return { ...word, yshift: -(word.yshift ?? 0) };
}

function aside(word: Partial<Annotation>): Partial<Annotation> {
  if (word.xref === "paper") {
    // Words of lines over the whole width stand anywhere on them.
    const x = word.x === 0 ? 1 : 0;
    return { ...word, x, xanchor: x ? "right" : "left", xshift: x ? -4 : 4 };
  }
  return { ...word, xanchor: word.xanchor === "right" ? "left" : "right", xshift: -(word.xshift ?? 0) };
}

function boxOf(word: Partial<Annotation>, ground: Ground): Box {
  const width = (word.text ?? "").replace(/<[^>]*>/g, "").length * LETTER_PX + 2;
  const share = word.xref === "paper" ? Number(word.x) : (Number(word.x) - ground.from) / (ground.to - ground.from || 1);
  const x = share * ground.width + (word.xshift ?? 0);
  const left = word.xanchor === "right" ? x - width : word.xanchor === "center" ? x - width / 2 : x;
  const y = ((ground.top - Number(word.y)) / (ground.top - ground.bottom || 1)) * ground.height - (word.yshift ?? 0);
  const upper = word.yanchor === "top" ? y : word.yanchor === "bottom" ? y - LINE_PX : y - LINE_PX / 2;
  return { left, right: left + width, upper, lower: upper + LINE_PX };
}

function inside(box: Box, ground: Ground): boolean {
  return box.left >= 0 && box.right <= ground.width + GAP_PX && box.upper >= -GAP_PX - LINE_PX / 2 && box.lower <= ground.height + GAP_PX;
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right + GAP_PX && b.left < a.right + GAP_PX && a.upper < b.lower && b.upper < a.lower;
}
