/** A page of a question about users: it is put together on one side, and answered on the other. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Asked } from "../model/asked.ts";
import type { EventNames } from "../model/contracts.ts";
import { type Body, type QuestionChoice, replacedAt } from "../model/product.ts";
import { USER_RANGES } from "../model/time-range.ts";
import { Counting } from "./counting.tsx";
import { HowToIdentify } from "./how-to-identify.tsx";
import { TimeRange } from "./time-range.tsx";

/** What the page of a question is given. */
export interface QuestionPageProps<A> {
  answer: Asked<A>;
  names: Asked<EventNames>;
  choice: QuestionChoice;
  show: (changed: Partial<QuestionChoice>) => void;
  retry: () => void;
  now: number;
}

export interface FormProps<Q> {
  question: Q;
  set: (question: Q) => void;
  names: EventNames | null;
  /** What is wrong with the part of the question at this place: `steps.0.event_type`. */
  fault: (place: string) => string;
}

interface Props<Q, A> {
  title: string;
  /** What the form is called. */
  label: string;
  /** Said while nothing is asked. */
  hint: string;
  page: QuestionPageProps<A>;
  /** What an address says, as a question, which may not be complete. */
  read: (body: Body | null) => Q;
  /** The question as it is sent; `null`: it is not complete. */
  complete: (question: Q) => Q | null;
  form: (props: FormProps<Q>) => ComponentChildren;
  children: (answer: A, question: Q) => ComponentChildren;
}

export function AskedByForm<Q extends object, A extends object>({ title, label, hint, page, read, complete, form, children }: Props<Q, A>) {
  const { answer, names, choice, show, retry, now } = page;
  const key = JSON.stringify(choice.question);
  const [draft, setDraft] = useState(() => read(choice.question));
  useEffect(() => setDraft(read(choice.question)), [key]);
  const ready = complete(draft);
  const ask = (event: Event) => {
    event.preventDefault();
    if (!ready) return;
    if (JSON.stringify(ready) === key) retry();
    else show({ question: { ...ready } as Body });
  };
  const fault = (place: string) => (answer.failure?.field === place ? answer.failure.why : "");
  const none = names.value !== null && names.value.event_types.length === 0;
  return (
    <div class="traces">
      <h1>{title}</h1>
      <div class="panel trace-conditions">
        <TimeRange window={choice} show={show} now={now} ranges={USER_RANGES} />
      </div>
      {none ? (
        <div class="panel empty">
          <p>No event of a user was received yet.</p>
          <HowToIdentify />
        </div>
      ) : (
        <div class="asked-by-form">
          <form class="panel" aria-label={label} onSubmit={ask}>
            {form({ question: draft, set: setDraft, names: names.value, fault })}
            <button type="submit" disabled={!ready}>
              Count users
            </button>
          </form>
          <div class="answer">
            {choice.question ? (
              <Counting asked={answer} retry={retry} replace={(field, name) => show({ question: replacedAt(choice.question ?? {}, field, name) })}>
                {(found) => children(found, read(choice.question))}
              </Counting>
            ) : (
              <p class="panel empty">{hint}</p>
            )}
          </div>
        </div>
      )}
    </div>
  );
}
