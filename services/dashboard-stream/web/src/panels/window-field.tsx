/** Two fields for a length of time: a number, and its unit. */
import { windowParts, windowSeconds, WINDOW_UNITS, type WindowUnit } from "../model/funnels.ts";
import { Choice } from "./choice.tsx";
import { faultOf } from "./event-conditions.tsx";
import { TextField } from "./field.tsx";

interface Props {
  title: string;
  seconds: number | undefined;
  /** Is told 0 of what is no number. */
  set: (seconds: number) => void;
  error: string;
}

export function WindowField({ title, seconds, set, error }: Props) {
  const { number, unit } = windowParts(seconds);
  return (
    <>
      <TextField title={title} numeric value={number ? String(number) : ""} set={(typed) => set(windowSeconds(Number(typed) || 0, unit))} {...faultOf(error)} />
      <Choice title="Unit" value={unit} values={WINDOW_UNITS.map(([one]) => one)} words={(one) => WINDOW_UNITS.find(([name]) => name === one)?.[1] ?? one} set={(one) => set(windowSeconds(number, one as WindowUnit))} />
    </>
  );
}
