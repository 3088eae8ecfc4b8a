/** Has a document checked by the service while somebody edits it: a definition of a metric, or a dashboard. */
import { useEffect, useRef, useState } from "preact/hooks";

/** After the last key: a word is typed in less. */
const PAUSE_MS = 250;

export interface Check<Checked> {
  /** What was said of the newest document that was checked; `null` before the first. */
  checked: Checked | null;
  /** Whether that is the document as it is now. */
  current: boolean;
  /** Why it cannot be checked. */
  why: string;
}

interface Options {
  /** Only who may store it may ask. */
  may?: boolean;
  pauseMs?: number;
}

export function useChecked<Document, Checked>(
  document: Document,
  check: (document: Document, signal: AbortSignal) => Promise<Checked>,
  { may = true, pauseMs = PAUSE_MS }: Options = {},
): Check<Checked> {
  const text = JSON.stringify(document);
  const [said, setSaid] = useState<{ text: string; checked: Checked | null; why: string }>({ text: "", checked: null, why: "" });
  const newest = useRef(check);
  newest.current = check;
  useEffect(() => {
    if (!may) return undefined;
    const abort = new AbortController();
    const timer = window.setTimeout(() => {
      newest.current(JSON.parse(text) as Document, abort.signal).then(
        (checked) => setSaid({ text, checked, why: "" }),
        (error: unknown) => {
          if (!abort.signal.aborted) setSaid((before) => ({ ...before, text, why: error instanceof Error ? error.message : String(error) }));
        },
      );
    }, pauseMs);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text, may, pauseMs]);
  return { checked: said.checked, current: said.text === text, why: said.text === text ? said.why : "" };
}
