/** A field for an expression or a condition: completed while it is typed, and marked where the service says that it is wrong. */
import { useContext, useEffect, useId, useRef, useState } from "preact/hooks";
import type { Metric } from "../model/metrics.ts";
import { Field } from "../panels/field.tsx";
import type { Wrong } from "../panels/query-check.ts";
import { useValues } from "../panels/use-values.ts";
import { type Completion, completionAt, type Language, matching, metricOf, nameText, type Option } from "./completion.ts";
import { countedBy } from "./questions.ts";
import { Variables } from "./variables-form.tsx";

interface Props {
  title: string;
  value: string;
  set: (value: string) => void;
  language: Language;
  metrics: readonly Metric[];
  wrong: Wrong | null;
  hint: string;
  placeholder: string;
}

export function ExpressionField({ title, value, set, language, metrics, wrong, hint, placeholder }: Props) {
  const list = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const variables = useContext(Variables);
  const [open, setOpen] = useState<Completion | null>(null);
  const [active, setActive] = useState(0);
  const caret = useRef<number | null>(null);
  const [word, setWord] = useState<Completion["of"]>(null);
  const metric = metricOf(metrics, word?.metric ?? "");
  const known = useValues(metric?.token ?? "", word?.label ?? "", countedBy(metric, word?.label ?? ""));
  const values = open?.of ? matching(known.values.map((one) => ({ text: JSON.stringify(one), hint: known.names[one] ?? "" })), open.typed) : [];
  const options = open ? [...open.options, ...values] : [];
  const chosen = options[active];
  useEffect(() => {
    // What was put in leaves the caret behind it.
    if (caret.current === null || !field.current) return;
    field.current.setSelectionRange(caret.current, caret.current);
    look();
    caret.current = null;
  }, [value]);
  useEffect(() => document.getElementById(`${list}-${active}`)?.scrollIntoView({ block: "nearest" }), [active]);

  const look = () => {
    const element = field.current;
    if (!element) return;
    const found = element.selectionStart === element.selectionEnd ? completionAt(element.value, element.selectionStart, language, metrics, variables.map(({ name }) => name)) : null;
    setActive(0);
    setOpen(found);
    if (found?.of) setWord(found.of);
  };
  const put = ({ text }: Option) => {
    if (!open) return;
    const space = text.endsWith("(") || text === ")" ? "" : " ";
    caret.current = open.from + text.length + space.length;
    setOpen(null);
    set(value.slice(0, open.from) + text + space + value.slice(open.to).replace(/^ /, space ? "" : " "));
  };
  const correct = (name: string) => {
    const all = Array.from(value);
    const { character = 0, length = 1 } = wrong ?? {};
    set([...all.slice(0, character), nameText(name), ...all.slice(character + length)].join(""));
  };
  const all = Array.from(value);
  const at = wrong?.character;
  const end = at === undefined ? 0 : at + (wrong?.length ?? 1);
  const shown = open !== null && options.length > 0;
  return (
    <div class="wide expression">
      <Field title={title} hint={hint} fault={wrong ? { field: "", error: wrong.error, ...(at === undefined ? {} : { character: at }) } : undefined} wide>
        {(about) => (
          <div class="code-field">
            <pre aria-hidden="true">
              {at === undefined ? value : all.slice(0, at).join("")}
              {at !== undefined && <mark class={at < all.length ? "" : "end"}>{all.slice(at, end).join("") || " "}</mark>}
              {at === undefined ? "" : all.slice(end).join("")}
              {"\n"}
            </pre>
            <textarea
              {...about}
              ref={field}
              rows={1}
              value={value}
              placeholder={placeholder}
              autocomplete="off"
              autocapitalize="off"
              spellcheck={false}
              // The types know the text field's own role alone, which has no list.
              {...({ role: "combobox" } as object)}
              aria-autocomplete="list"
              aria-expanded={shown}
              aria-controls={list}
              aria-activedescendant={shown ? `${list}-${active}` : undefined}
              onInput={(event) => {
                set(event.currentTarget.value);
                look();
              }}
              onClick={look}
              onFocus={look}
              onBlur={() => setOpen(null)}
              onKeyUp={(event) => {
                if (event.key === "ArrowLeft" || event.key === "ArrowRight" || event.key === "Home" || event.key === "End") look();
              }}
              onKeyDown={(event) => {
                if (event.ctrlKey && event.key === " ") return look();
                if (!shown || event.ctrlKey || event.metaKey || event.altKey) return undefined;
                const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
                if (step) setActive((active + step + options.length) % options.length);
                else if (event.key === "Enter" && chosen) put(chosen);
                else if (event.key === "Escape") setOpen(null);
                else return undefined;
                event.preventDefault();
                event.stopPropagation();
              }}
            />
          </div>
        )}
      </Field>
      <ul id={list} role="listbox" aria-label={`Completions of ${title}`} class="completions" hidden={!shown}>
        {shown &&
          options.map((option, i) => (
            <li
              key={`${i} ${option.text}`}
              id={`${list}-${i}`}
              role="option"
              aria-selected={i === active}
              // The field keeps the focus.
              onPointerDown={(event) => event.preventDefault()}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => {
                put(option);
                field.current?.focus();
              }}
            >
              <bdi>{option.text}</bdi>
              {option.hint && (
                <small>
                  <bdi>{option.hint}</bdi>
                </small>
              )}
            </li>
          ))}
      </ul>
      {wrong?.nearest && wrong.nearest.length > 0 && at !== undefined && (
        <p class="nearest">
          Do you mean{" "}
          {wrong.nearest.map((name) => (
            <button type="button" key={name} onClick={() => correct(name)}>
              <bdi>{name}</bdi>
            </button>
          ))}
        </p>
      )}
    </div>
  );
}
