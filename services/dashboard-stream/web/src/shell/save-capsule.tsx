/** Saves what a dashboard shows as one file, and leads to the page that opens such files. */
import { useState } from "preact/hooks";
import { gatewayNow, NoAnswer } from "../live/analytics.ts";
import { CAPSULE_PATH } from "../model/dashboards.ts";
import type { Dashboard } from "../model/catalogue.ts";
import type { Bounds } from "../model/shown-time.ts";

export function SaveCapsule({ dashboard, bounds }: { dashboard: Dashboard; bounds: () => Bounds }) {
  const [state, setState] = useState("");
  const save = async () => {
    setState("Saving…");
    try {
      // Only who saves one needs what makes it.
      const [{ gatherCapsule, packed }, { capsuleName }] = await Promise.all([import("../live/capsule.ts"), import("../model/capsule.ts")]);
      const { from, to } = bounds();
      const capsule = await gatherCapsule(dashboard, { from: Math.round(from), to: Math.round(Math.min(to, gatewayNow())) }, AbortSignal.timeout(60_000));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await packed(capsule));
      link.download = capsuleName(capsule);
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      setState("");
    } catch (error) {
      setState(error instanceof NoAnswer ? `Not saved: ${error.message}` : `Not saved: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  return (
    <span class="save-capsule">
      <button type="button" onClick={() => void save()} disabled={state === "Saving…"}>
        Save as a capsule
      </button>{" "}
      <a href={CAPSULE_PATH}>Open a capsule</a> <span role="status">{state}</span>
    </span>
  );
}
