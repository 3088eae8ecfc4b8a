/** Further pages of a list of which the first page is asked for again and again. */
import { useState } from "preact/hooks";

interface Paged {
  from: number;
  to: number;
  cursor?: string;
}

interface Further<Page> {
  key: string | null;
  /** The first page as it was when the second was asked for: the others go on from there. */
  first: Page | null;
  rest: Page[];
  why: string;
}

const TIMEOUT_MS = 20_000;

/**
 * The pages that are shown: `first`, the newest answer, and those that were asked for after it. From then on the first one stays
 * as it was: what is new would push items out of it that are on no other page. The second asks for one more, and is `null` where
 * there is none; the third says why that failed; the last goes back to the newest page alone, `null` where that is shown.
 */
export function usePages<Page extends Paged>(
  key: string | null,
  first: Page | null,
  ask: (range: { from: string; to: string; cursor: string }, signal: AbortSignal) => Promise<Page>,
): { pages: Page[]; more: (() => void) | null; why: string; newest: (() => void) | null } {
  const none: Further<Page> = { key, first: null, rest: [], why: "" };
  const [kept, setKept] = useState<Further<Page>>(none);
  const further = kept.key === key ? kept : none;
  const start = further.first ?? first;
  const pages = start ? [start, ...further.rest] : [];
  const cursor = pages.at(-1)?.cursor ?? "";
  const more = () => {
    if (!start) return;
    ask({ from: String(start.from), to: String(start.to), cursor }, AbortSignal.timeout(TIMEOUT_MS)).then(
      (page) => setKept((now) => (now.key === key && now.rest.length > further.rest.length ? now : { key, first: start, rest: [...further.rest, page], why: "" })),
      (error: Error) => setKept({ ...further, first: further.first, why: error.message }),
    );
  };
  return { pages, more: cursor ? more : null, why: further.why, newest: further.first ? () => setKept(none) : null };
}
