/** Has a document checked by the service while somebody edits it. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { DashboardDocument } from "../model/contracts.ts";
import type { CheckedDocument } from "../model/dashboards.ts";

const PAUSE_MS = 300;

export interface Check {
  /** What was said of the newest document that was checked; `null` before the first. */
  checked: CheckedDocument | null;
  /** Whether that is the document as it is now. */
  current: boolean;
  /** Why it cannot be checked. */
  why: string;
}

/** `may`: only who may store it may ask. */
export function useCheckedDocument(document: DashboardDocument, may: boolean, check: (document: DashboardDocument, signal: AbortSignal) => Promise<CheckedDocument>): Check {
  const text = JSON.stringify(document);
  const [said, setSaid] = useState<{ text: string; checked: CheckedDocument | null; why: string }>({ text: "", checked: null, why: "" });
  const newest = useRef(check);
  newest.current = check;
  useEffect(() => {
    if (!may) return undefined;
    const abort = new AbortController();
    const timer = window.setTimeout(() => {
      newest.current(JSON.parse(text) as DashboardDocument, abort.signal).then(
        (checked) => setSaid({ text, checked, why: "" }),
        (error: unknown) => {
          if (!abort.signal.aborted) setSaid((before) => ({ ...before, text, why: error instanceof Error ? error.message : String(error) }));
        },
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text, may]);
  return { checked: said.checked, current: said.text === text, why: said.text === text ? said.why : "" };
}
