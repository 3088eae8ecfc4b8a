/** The document of a file that was chosen on one page, for the editor on the next; a reload still has it. */
import type { DashboardDocument } from "../model/contracts.ts";

const KEY = "drishti.import";

/** Where the browser keeps nothing. */
let kept: DashboardDocument | null = null;

export function handOver(document: DashboardDocument): void {
  kept = document;
  try {
    sessionStorage.setItem(KEY, JSON.stringify(document));
  } catch {
    // It is there until the page is left.
  }
}

export function handedOver(): DashboardDocument | null {
  try {
    const text = sessionStorage.getItem(KEY);
    return text ? (JSON.parse(text) as DashboardDocument) : kept;
  } catch {
    return kept;
  }
}
