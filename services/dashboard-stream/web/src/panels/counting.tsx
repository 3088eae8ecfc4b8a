/** What is shown of a question about users: that it is being counted, why it was refused, that only a part was counted, and the answer. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Asked, Failure } from "../model/asked.ts";
import { percent } from "../model/explorer-choice.ts";
import { duration } from "../model/format.ts";
import { Notice } from "./notice.tsx";
import "./product.css";

/** What comes sooner needs no word about progress. */
const PATIENCE_S = 2;
const MOST_S = 10;

interface Props<T> {
  asked: Asked<T>;
  retry: () => void;
  /** Puts a name where the question has one that is not known. */
  replace?: (field: string, name: string) => void;
  children: (value: T) => ComponentChildren;
}

export function Counting<T extends object>({ asked, retry, replace, children }: Props<T>) {
  const { value, failure } = asked;
  const sampled = value && "sampled" in value ? Number(value.sampled) : 1;
  return (
    <>
      {failure && !failure.key && <Refused failure={failure} retry={retry} {...(replace ? { replace } : {})} />}
      {sampled < 1 && (
        <p class="sampled" role="status">
          <span class="tag warn">sample</span> Of {percent(sampled)} of the users, not multiplied. {failure ? "" : "All of them are being counted."}
        </p>
      )}
      {value !== null ? children(value) : !failure && <Waiting />}
    </>
  );
}

/** Why a question or a change was refused, with the names that may be meant. */
export function Refused({ failure, retry, replace }: { failure: Failure; retry: () => void; replace?: (field: string, name: string) => void }) {
  const { field = "", nearest = [] } = failure;
  return (
    <Notice tone="bad" action="Try again" act={retry}>
      {field && <code>{field}</code>} {failure.why}
      {replace &&
        nearest.map((name) => (
          <button type="button" class="link nearest" key={name} onClick={() => replace(field, name)}>
            use <bdi>{name}</bdi>
          </button>
        ))}
    </Notice>
  );
}

/** Counts seconds once it takes longer than one waits for without wondering. */
export function Waiting() {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = window.setInterval(() => setSeconds((before) => before + 1), 1_000);
    return () => clearInterval(timer);
  }, []);
  if (seconds < PATIENCE_S) return <p class="panel empty">Loading…</p>;
  return (
    <p class="panel empty" role="status">
      <progress max={MOST_S} value={Math.min(seconds, MOST_S)} aria-label="Counting" /> Counting since {duration(seconds * 1_000)}; what takes longer than {MOST_S} s is given up.
    </p>
  );
}
