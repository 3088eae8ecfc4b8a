/** Asks the gateway for the keys of the tenant, has it make and revoke them, and asks the services how they are set up. */
import type { Key, Keys, MadeKey, NewKey } from "../model/keys.ts";
import type { ServiceSetup } from "../model/setup.ts";
import { get, of, post, ROOT, send } from "./analytics.ts";

const KEYS = `${ROOT}/keys`;

export function fetchKeys(signal: AbortSignal): Promise<Keys> {
  return get<Keys>(KEYS, signal);
}

/** The key that was made: its text is in this answer alone. */
export function makeKey(wanted: NewKey): Promise<MadeKey> {
  return post<MadeKey>(KEYS, wanted);
}

export async function revokeKey(id: string): Promise<Key> {
  return of<Key>(await send("DELETE", `${KEYS}/${encodeURIComponent(id)}`));
}

/** How each service says that it is set up. */
export const SETUPS = {
  gateway: `${ROOT}/setup/gateway`,
  analytics: `${ROOT}/setup`,
  "dashboard-stream": "/api/dashboard/setup",
};

export function fetchSetup(service: keyof typeof SETUPS, signal: AbortSignal): Promise<ServiceSetup> {
  return get<ServiceSetup>(SETUPS[service], signal);
}
