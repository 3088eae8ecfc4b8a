/** Whether an address asks for a page without what stands around it: `?kiosk`. Pure. */

export function inKiosk(query: string): boolean {
  const said = new URLSearchParams(query).get("kiosk");
  return said !== null && said !== "0" && said !== "false";
}

/** What else is said about the kiosk: `rotation.ts`. */
const ROTATION = ["rotate", "dashboards"];

/** `address` of a page of ours, in the kiosk; it rotates as `before`, the query that is left, says. */
export function withKiosk(address: string, before = ""): string {
  const [path = "", query = ""] = address.split("?", 2);
  const said = new URLSearchParams(query);
  if (!inKiosk(query)) said.set("kiosk", "1");
  const left = new URLSearchParams(before);
  for (const name of said.has("rotate") ? [] : ROTATION) if (left.has(name)) said.set(name, left.get(name) ?? "");
  return `${path}?${said}`;
}

export function withoutKiosk(address: string): string {
  const [path = "", query = ""] = address.split("?", 2);
  const said = new URLSearchParams(query);
  for (const name of ["kiosk", ...ROTATION]) said.delete(name);
  const text = said.toString();
  return text ? `${path}?${text}` : path;
}
