/** Which dashboards this browser keeps in its navigation. */
import { useState } from "preact/hooks";

const KEY = "drishti.pinned";

function read(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
  } catch {
    return []; // a browser that keeps nothing, or something else's value
  }
}

/** Their names, and how to pin one, or not any more. */
export function usePinned(): [string[], (name: string) => void] {
  const [pinned, setPinned] = useState(read);
  const toggle = (name: string) => {
    const now = pinned.includes(name) ? pinned.filter((one) => one !== name) : [...pinned, name];
    setPinned(now);
    try {
      localStorage.setItem(KEY, JSON.stringify(now));
    } catch {
      // It holds until the page is left.
    }
  };
  return [pinned, toggle];
}
