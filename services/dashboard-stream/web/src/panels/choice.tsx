/** A field of a form with a few choices. */
import type { Fault } from "../model/definition.ts";
import { Field } from "./field.tsx";

interface ChoiceProps {
  title: string;
  value: string;
  values: readonly string[];
  words: (value: string) => string;
  fault?: Fault;
  set: (value: string) => void;
}

export function Choice({ title, value, values, words, fault, set }: ChoiceProps) {
  return (
    <Field title={title} fault={fault}>
      {(about) => (
        <select {...about} value={value} onChange={(event) => set(event.currentTarget.value)}>
          {values.map((one) => (
            <option key={one} value={one}>
              {words(one) || one}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
