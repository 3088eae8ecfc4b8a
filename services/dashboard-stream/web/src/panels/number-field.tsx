/** A field of a form for a number; what is being typed stays as it is typed. */
import { useState } from "preact/hooks";
import { faultOf } from "./event-conditions.tsx";
import { TextField } from "./field.tsx";

interface Props {
  title: string;
  value: number;
  /** Is told 0 of what is no number. */
  set: (value: number) => void;
  error: string;
}

export function NumberField({ title, value, set, error }: Props) {
  const [typed, setTyped] = useState(String(value));
  const shown = (Number(typed) || 0) === value ? typed : String(value);
  return (
    <TextField
      title={title}
      numeric
      value={shown}
      set={(text) => {
        setTyped(text);
        set(Number(text) || 0);
      }}
      {...faultOf(error)}
    />
  );
}
