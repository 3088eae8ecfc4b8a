/** What is shown of an answer that is there, is on its way, or failed: the same on every page of the explorer. */
import type { ComponentChildren } from "preact";
import type { Asked } from "../model/asked.ts";
import { Notice } from "./notice.tsx";

interface Props<T> {
  asked: Asked<T>;
  retry: () => void;
  children: (value: T) => ComponentChildren;
}

/** A failure leaves what was there before. One for which a key is needed is said by the frame. */
export function AskedAnswer<T>({ asked, retry, children }: Props<T>) {
  return (
    <>
      {asked.failure && !asked.failure.key && (
        <Notice tone="bad" action="Try again" act={retry}>
          {asked.failure.why}
        </Notice>
      )}
      {asked.value !== null ? children(asked.value) : !asked.failure && <p class="panel empty">Loading…</p>}
    </>
  );
}
