/** Whether an address asks for a page without what stands around it: `?kiosk`. Pure. */

export function inKiosk(query: string): boolean {
  const said = new URLSearchParams(query).get("kiosk");
  return said !== null && said !== "0" && said !== "false";
}

/** `address` of a page of ours, in the kiosk. */
export function withKiosk(address: string): string {
  const [path = "", query = ""] = address.split("?", 2);
  const said = new URLSearchParams(query);
  if (!inKiosk(query)) said.set("kiosk", "1");
  return `${path}?${said}`;
}

export function withoutKiosk(address: string): string {
  const [path = "", query = ""] = address.split("?", 2);
  const said = new URLSearchParams(query);
  said.delete("kiosk");
  const text = said.toString();
  return text ? `${path}?${text}` : path;
}
