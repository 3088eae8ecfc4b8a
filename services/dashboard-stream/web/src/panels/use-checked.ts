/** Has a definition checked while somebody types it. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Checked, Definition } from "../model/definition.ts";

/** After the last key: a word is typed in less. */
const PAUSE_MS = 250;

export interface Check {
  /** What was said of the newest definition that was checked; `null` before the first. */
  checked: Checked | null;
  /** Whether that is the definition as it is now. */
  current: boolean;
  /** Why it cannot be checked. */
  why: string;
}

export function useChecked(definition: Definition, check: (definition: Definition, signal: AbortSignal) => Promise<Checked>): Check {
  const text = JSON.stringify(definition);
  const [said, setSaid] = useState<{ text: string; checked: Checked | null; why: string }>({ text: "", checked: null, why: "" });
  const newest = useRef(check);
  newest.current = check;
  useEffect(() => {
    const abort = new AbortController();
    const timer = window.setTimeout(() => {
      newest.current(JSON.parse(text) as Definition, abort.signal).then(
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
  }, [text]);
  return { checked: said.checked, current: said.text === text, why: said.text === text ? said.why : "" };
}
