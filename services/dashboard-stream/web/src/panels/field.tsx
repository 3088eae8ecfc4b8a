/** A field of a form: its name, its control, a hint, and what is wrong with it, said where it stands. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { around, type Fault } from "../model/definition.ts";

interface FieldProps {
  title: string;
  hint?: ComponentChildren;
  fault?: Fault;
  wide?: boolean;
  /** The control, which gets the id of what describes it. */
  children: (about: About) => ComponentChildren;
}

interface About {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": "true" | undefined;
}

export function Field({ title, hint, fault, wide, children }: FieldProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(" ");
  return (
    <div class={`field ${wide ? "wide" : ""}`}>
      <label for={id}>{title}</label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": fault ? "true" : undefined })}
      {/* Always there: who listens hears what appears in it. */}
      <p id={`${id}-fault`} class="fault" aria-live="polite">
        {fault && (
          <>
            {fault.error}
            {fault.character !== undefined && <span class="spoken">, at character {fault.character + 1}</span>}
          </>
        )}
      </p>
      {hint && (
        <p id={`${id}-hint`} class="muted">
          {hint}
        </p>
      )}
    </div>
  );
}

interface TextProps {
  title: string;
  value: string;
  set: (value: string) => void;
  fault?: Fault;
  hint?: ComponentChildren;
  wide?: boolean;
  placeholder?: string;
  /** For numbers a phone shows another keyboard. */
  numeric?: boolean;
  readOnly?: boolean;
  list?: readonly string[];
}

export function TextField({ title, value, set, fault, hint, wide, placeholder, numeric, readOnly, list }: TextProps) {
  const options = useId();
  return (
    <Field title={title} hint={hint} fault={fault} wide={wide}>
      {(about) => (
        <>
          <input
            {...about}
            type="text"
            value={value}
            placeholder={placeholder}
            readOnly={readOnly}
            inputMode={numeric ? "decimal" : undefined}
            autocomplete="off"
            spellcheck={false}
            list={list?.length ? options : undefined}
            onInput={(event) => set(event.currentTarget.value)}
          />
          {list && list.length > 0 && (
            <datalist id={options}>
              {list.map((one) => (
                <option key={one} value={one} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}

interface CodeProps {
  title: string;
  value: string;
  set: (value: string) => void;
  fault?: Fault;
  hint?: ComponentChildren;
  placeholder?: string;
}

/** A text of the expression language: it grows with what is typed, and marks the character that is wrong. */
export function CodeField({ title, value, set, fault, hint, placeholder }: CodeProps) {
  const [before, wrong, after] = fault?.character === undefined ? [value, "", ""] : around(value, fault.character);
  const marks = fault?.character !== undefined;
  return (
    <Field title={title} hint={hint} fault={fault} wide>
      {(about) => (
        <div class="code-field">
          {/* The same text behind the field, in the same letters: it gives the height, and carries the mark. */}
          <pre aria-hidden="true">
            {before}
            {marks && <mark class={wrong ? "" : "end"}>{wrong || " "}</mark>}
            {after}
            {"\n"}
          </pre>
          <textarea
            {...about}
            rows={1}
            value={value}
            placeholder={placeholder}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            onInput={(event) => set(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit();
            }}
          />
        </div>
      )}
    </Field>
  );
}
