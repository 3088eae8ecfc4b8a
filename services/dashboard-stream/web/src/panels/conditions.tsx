/** The form above a list of the explorer: a range of time, texts to search for, and choices. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { TimeWindow } from "../model/time-range.ts";
import { TimeRange } from "./time-range.tsx";

export interface TextField {
  name: string;
  label: string;
  size: number;
  value: string;
  placeholder?: string;
  /** Values that are known. */
  known?: readonly string[];
}

interface Props {
  window: TimeWindow;
  /** The texts, by their names, are those that were typed. */
  show: (changed: Record<string, string> & Partial<TimeWindow>) => void;
  now: number;
  fields: readonly TextField[];
  children?: ComponentChildren;
}

export function ConditionsForm({ window, show, now, fields, children }: Props) {
  const given = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
  const key = JSON.stringify(given);
  const [typed, setTyped] = useState(given);
  useEffect(() => setTyped(JSON.parse(key) as Record<string, string>), [key]);
  const submit = (event: Event) => {
    event.preventDefault();
    show(Object.fromEntries(Object.entries(typed).map(([name, text]) => [name, text.trim()])));
  };
  return (
    <form class="panel trace-conditions" onSubmit={submit} aria-label="Conditions">
      <TimeRange window={window} show={(changed) => show({ ...changed } as Partial<TimeWindow> & Record<string, string>)} now={now} />
      {children}
      {fields.map(({ name, label, size, placeholder, known }) => (
        <label key={name}>
          {label}
          <input
            size={size}
            placeholder={placeholder}
            value={typed[name]}
            list={known?.length ? `known-${name}` : undefined}
            onInput={(event) => setTyped({ ...typed, [name]: (event.target as HTMLInputElement).value })}
          />
          {known && known.length > 0 && (
            <datalist id={`known-${name}`}>
              {known.map((one) => (
                <option key={one} value={one} />
              ))}
            </datalist>
          )}
        </label>
      ))}
      {fields.length > 0 && <button type="submit">Search</button>}
    </form>
  );
}

interface ChoiceProps {
  label: string;
  /** Value and what it is called. */
  options: readonly (readonly [string, string])[];
  value: string;
  choose: (value: string) => void;
}

export function Segments({ label, options, value, choose }: ChoiceProps) {
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map(([one, title]) => (
        <button type="button" key={one} aria-pressed={one === value} onClick={() => choose(one)}>
          {title}
        </button>
      ))}
    </div>
  );
}
