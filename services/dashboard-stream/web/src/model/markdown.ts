/**
 * The part of Markdown that words on a dashboard need, as a tree: headings, paragraphs, lists, block quotes, code, emphasis and
 * links. Pure. What is not of it, HTML first of all, stays the text that it is; nothing becomes markup but what this tree names.
 */

export type Inline =
  | { kind: "text" | "code"; text: string }
  | { kind: "strong" | "emphasis"; inner: Inline[] }
  | { kind: "link"; to: string; inner: Inline[] };

export type Block =
  | { kind: "heading"; level: number; inner: Inline[] }
  | { kind: "paragraph" | "quote"; inner: Inline[] }
  | { kind: "list"; ordered: boolean; items: Inline[][] }
  | { kind: "code"; text: string }
  | { kind: "rule" };

const FENCE = /^```/;
const HEADING = /^(#{1,4})\s+(.*)$/;
const RULE = /^(?:-{3,}|\*{3,}|_{3,})$/;
const QUOTE = /^>\s?/;
const BULLET = /^\s{0,3}[-*+]\s+/;
const NUMBER = /^\s{0,3}\d{1,9}[.)]\s+/;

export function blocksOf(source: string): Block[] {
  const lines = source.replaceAll("\r\n", "\n").split("\n");
  const blocks: Block[] = [];
  let at = 0;
  const take = (pattern: RegExp): string[] => {
    const taken: string[] = [];
    while (at < lines.length && pattern.test(lines[at] as string)) taken.push((lines[at++] as string).replace(pattern, ""));
    return taken;
  };
  while (at < lines.length) {
    const line = lines[at] as string;
    const heading = HEADING.exec(line);
    if (!line.trim()) at += 1;
    else if (FENCE.test(line)) {
      const end = lines.findIndex((other, place) => place > at && FENCE.test(other));
      blocks.push({ kind: "code", text: lines.slice(at + 1, end < 0 ? undefined : end).join("\n") });
      at = end < 0 ? lines.length : end + 1;
    } else if (heading) {
      blocks.push({ kind: "heading", level: (heading[1] as string).length, inner: inlinesOf(withoutEnd(heading[2] as string)) });
      at += 1;
    } else if (RULE.test(line.trim())) {
      blocks.push({ kind: "rule" });
      at += 1;
    } else if (QUOTE.test(line)) blocks.push({ kind: "quote", inner: inlinesOf(take(QUOTE).join("\n")) });
    else if (BULLET.test(line)) blocks.push({ kind: "list", ordered: false, items: take(BULLET).map((item) => inlinesOf(item)) });
    else if (NUMBER.test(line)) blocks.push({ kind: "list", ordered: true, items: take(NUMBER).map((item) => inlinesOf(item)) });
    else {
      const begin = at;
      do at += 1;
      while (at < lines.length && (lines[at] as string).trim() && !begins(lines[at] as string));
      blocks.push({ kind: "paragraph", inner: inlinesOf(lines.slice(begin, at).join("\n")) });
    }
  }
  return blocks;
}

/** A heading without the number signs at its end. */
function withoutEnd(heading: string): string {
  let end = heading.length;
  while (heading[end - 1] === "#") end -= 1;
  return heading.slice(0, end).trimEnd();
}

function begins(line: string): boolean {
  return [FENCE, HEADING, QUOTE, BULLET, NUMBER].some((pattern) => pattern.test(line));
}

/** Emphasis within emphasis within a link; what is deeper is text. */
const DEEPEST = 4;

const CODE = /^`([^`\n]+)`/;
const STRONG = /^\*\*(?=\S)([^*]{0,1000}[^*\s])\*\*/;
const EMPHASIS = /^[*](?=\S)([^*]{0,1000}[^*\s])[*]|^_(?=\S)([^_]{0,1000}[^_\s])_(?![\p{L}\p{N}])/u;
const LINK = /^\[([^\][]{1,500})\]\(([^()\s]{1,2000})\)/;
const PLAIN = /^(?:[^`*_[\\]+|\\[\\`*_[\]#>-]|.)/s;
const WORD_BEFORE = /[\p{L}\p{N}]$/u;

function inlinesOf(text: string, depth = 0): Inline[] {
  const result: Inline[] = [];
  const add = (more: string) => {
    const last = result.at(-1);
    if (last?.kind === "text") last.text += more;
    else result.push({ kind: "text", text: more });
  };
  for (let rest = text; rest; ) {
    const last = result.at(-1);
    const inWord = last?.kind === "text" && WORD_BEFORE.test(last.text);
    const code = CODE.exec(rest);
    const strong = depth < DEEPEST ? STRONG.exec(rest) : null;
    const emphasis = depth < DEEPEST && !(inWord && rest.startsWith("_")) ? EMPHASIS.exec(rest) : null;
    const link = depth < DEEPEST ? LINK.exec(rest) : null;
    const match = code ?? strong ?? link ?? emphasis ?? (PLAIN.exec(rest) as RegExpExecArray);
    if (code) result.push({ kind: "code", text: code[1] as string });
    else if (strong) result.push({ kind: "strong", inner: inlinesOf(strong[1] as string, depth + 1) });
    else if (link) {
      const to = safe(link[2] as string);
      if (to === null) add(match[0]);
      else result.push({ kind: "link", to, inner: inlinesOf(link[1] as string, depth + 1) });
    } else if (emphasis) result.push({ kind: "emphasis", inner: inlinesOf((emphasis[1] ?? emphasis[2]) as string, depth + 1) });
    else add(match[0].length === 2 && match[0].startsWith("\\") ? match[0].slice(1) : match[0]);
    rest = rest.slice(match[0].length);
  }
  return result;
}

/** Addresses of the web, of mail, and of this installation; of scripts, data and anything else none. */
function safe(to: string): string | null {
  return /^(?:https?:\/\/|mailto:|\/(?!\/)|#)/i.test(to) && !/[\p{Cc}\\]/u.test(to) ? to : null;
}
