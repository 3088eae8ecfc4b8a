/** A page without what stands around it, for a screen on a wall: by `?kiosk` in the address, and by the key `k`. */
import { useEffect } from "preact/hooks";
import { inKiosk, withKiosk, withoutKiosk } from "../model/kiosk.ts";
import type { Go } from "./hooks.ts";

export function useKiosk(query: string): void {
  const on = inKiosk(query);
  useEffect(() => {
    document.documentElement.toggleAttribute("data-kiosk", on);
  }, [on]);
}

/** Into the kiosk, or out of it. */
export function toggleKiosk(go: Go): void {
  const address = location.pathname + location.search;
  const on = inKiosk(location.search);
  // The address that is left would bring the kiosk along.
  if (on) history.replaceState(null, "", withoutKiosk(address));
  go(on ? withoutKiosk(address) : withKiosk(address), { replace: true, stay: true });
}
