/** Several values of a dimension: those that are chosen, and a field that completes further ones. */
import { useId, useState } from "preact/hooks";
import type { Fault } from "../model/definition.ts";
import { labelText, tooltip } from "../model/names.ts";
import { Field } from "./field.tsx";
import type { KnownValues } from "./use-values.ts";

interface Props {
  title: string;
  label: string;
  chosen: readonly string[];
  known: KnownValues;
  /** Further things to choose, with what they are: variables. */
  more?: readonly { value: string; text: string }[];
  hint?: string;
  placeholder?: string;
  fault?: Fault;
  set: (values: string[]) => void;
}

export function ValuesField({ title, label, chosen, known, more = [], hint = "Enter takes it.", placeholder, fault, set }: Props) {
  const options = useId();
  const [typed, setTyped] = useState("");
  const choices = [...more, ...known.values.map((value) => ({ value, text: tooltip(value, nameOf(value)) ?? "" }))].filter(({ value }) => !chosen.includes(value));
  const take = (text: string) => {
    const value = text.trim();
    setTyped("");
    if (value && !chosen.includes(value)) set([...chosen, value]);
  };
  return (
    <Field title={title} hint={hint} fault={fault}>
      {(about) => (
        <>
          {chosen.length > 0 && (
            <ul class="chips" aria-label={`${title}: chosen`}>
              {chosen.map((value) => (
                <li key={value}>
                  <bdi title={value}>{more.find((one) => one.value === value)?.text ?? labelText(label, value, nameOf(value))}</bdi>
                  <button type="button" aria-label={`Remove ${value}`} onClick={() => set(chosen.filter((one) => one !== value))}>
                    ×
                  </button>
                </li>
              ))}
            </ul>
          )}
          <input
            {...about}
            type="text"
            value={typed}
            placeholder={placeholder}
            list={options}
            autocomplete="off"
            spellcheck={false}
            maxLength={256}
            onInput={(event) => {
              const text = event.currentTarget.value;
              // What is picked from the list comes whole, and needs no Enter.
              if (event instanceof InputEvent && event.inputType && event.inputType !== "insertReplacementText") setTyped(text);
              else if (choices.some(({ value }) => value === text)) take(text);
              else setTyped(text);
            }}
            onKeyDown={(event) => {
              if (event.key !== "Enter") return;
              event.preventDefault();
              take(event.currentTarget.value);
            }}
            onBlur={(event) => take(event.currentTarget.value)}
          />
          <datalist id={options}>
            {choices.map(({ value, text }) => (
              <option key={value} value={value} label={text || undefined} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );

  function nameOf(value: string): string | undefined {
    return label === "service" ? known.names[value] : undefined;
  }
}
