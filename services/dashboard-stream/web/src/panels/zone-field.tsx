/** The time zone whose days, weeks and months a question counts. */
import { zone } from "../model/format.ts";
import { faultOf } from "./event-conditions.tsx";
import { TextField } from "./field.tsx";

export function ZoneField({ tz = "UTC", set, error }: { tz: string | undefined; set: (tz: string) => void; error: string }) {
  return <TextField title="Time zone" value={tz} list={[...new Set(["UTC", zone()])]} set={set} {...faultOf(error)} />;
}
