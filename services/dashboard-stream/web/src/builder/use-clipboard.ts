/** Panels by the clipboard: Ctrl+C on one, Ctrl+V anywhere in the editor. Events of copying need no permission, and no https. */
import { useEffect, useRef } from "preact/hooks";
import type { Panel } from "../model/panels.ts";

/** Has the browser keep `text`, as if somebody had copied it; whether it does. */
export function toClipboard(text: string): boolean {
  const give = (event: ClipboardEvent) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  addEventListener("copy", give, { capture: true });
  const isCopied = document.execCommand("copy");
  removeEventListener("copy", give, { capture: true });
  return isCopied;
}

/** `focused` is the panel in which the focus is. Where somebody types or has marked a text, the browser does what it always does. */
export function useClipboard(may: boolean, paste: (text: string) => void, focused: () => Panel | undefined, copy: (panel: Panel) => void): void {
  const newest = useRef({ paste, focused, copy });
  newest.current = { paste, focused, copy };
  useEffect(() => {
    if (!may) return undefined;
    const pasted = (event: ClipboardEvent) => {
      const text = event.clipboardData?.getData("text/plain") ?? "";
      if (types(event.target) || !text) return;
      event.preventDefault();
      newest.current.paste(text);
    };
    const pressed = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "c" || types(event.target) || getSelection()?.toString()) return;
      const panel = newest.current.focused();
      if (!panel) return;
      event.preventDefault();
      newest.current.copy(panel);
    };
    addEventListener("paste", pasted);
    addEventListener("keydown", pressed);
    return () => {
      removeEventListener("paste", pasted);
      removeEventListener("keydown", pressed);
    };
  }, [may]);
}

function types(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, dialog, [contenteditable]") !== null;
}
