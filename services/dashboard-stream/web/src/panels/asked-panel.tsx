/** A panel of what is stored: asked over the range that is shown, and again while it is visible. */
import type { ComponentChildren } from "preact";
import { useContext, useRef } from "preact/hooks";
import { useLeft } from "../charts/left.ts";
import { gatewayNow } from "../live/analytics.ts";
import { useAsked } from "../live/use-asked.ts";
import { ageInWords, type Asked, wordOf } from "../model/asked.ts";
import type { DataTable } from "../model/data-table.ts";
import { duration } from "../model/format.ts";
import { AskedAnswer } from "./asked-answer.tsx";
import type { Seen } from "./panel-data.ts";
import { RowsOf } from "./rows.ts";
import { StoredAnswers } from "./stored-answers.ts";
import { useSeen } from "./use-seen.ts";

const MINUTE_MS = 60_000;
const HOUR = 60;

interface Props<T> {
  /** Of the panel: by it a capsule has its answer. */
  id: string;
  title: string;
  /** Where more of it is; empty: nowhere. */
  link: string;
  /** What it looks like where that is no list: the classes of its article. */
  look?: string;
  /** Besides the time: what another answer belongs to. */
  asks: string;
  seen: Seen;
  ask: (from: number, to: number, signal: AbortSignal) => Promise<T>;
  kind: string;
  /** The same as rows, for a file. */
  rows: (value: T) => DataTable | null;
  children: (value: T) => ComponentChildren;
}

export function AskedPanel<T>({ id, title, link, look = "panel", asks, seen: { now, minutes, follows }, ask, kind, rows, children }: Props<T>) {
  const place = useRef<HTMLElement>(null);
  const seen = useSeen(place);
  const ms = Math.round(minutes * MINUTE_MS);
  const everyMs = !follows ? 10 * MINUTE_MS : minutes <= HOUR ? 10_000 : minutes <= 24 * HOUR ? MINUTE_MS : 5 * MINUTE_MS;
  // A range that grows as it moves is another one after some twentieth of it.
  const key = JSON.stringify([kind, asks, follows ? Math.round(Math.log(ms) * 20) : [now, ms]]);
  const stored = useContext(StoredAnswers);
  const [answered, retry] = useAsked(
    stored ? null : key,
    everyMs,
    (signal) => {
      const to = Math.round(follows ? gatewayNow() : now);
      return ask(to - ms, to, signal);
    },
    seen,
  );
  const isMissing = stored !== null && !stored.has(id);
  const asked: Asked<T> = stored ? { value: (stored.get(id) as T | undefined) ?? null, at: gatewayNow(), asking: false, failure: null } : answered;
  useLeft(RowsOf, () => (asked.value === null ? null : rows(asked.value)));
  const word = isMissing ? "current" : wordOf(asked, gatewayNow(), everyMs);
  const old = word === "stale" || (word === "failed" && !asked.failure?.key);
  return (
    <article class={`${look} asked of-${kind}`} ref={place} aria-busy={word === "loading"}>
      <h2>
        {link ? <a href={link}>{title}</a> : <span>{title}</span>}
        <small class={old ? "warn" : ""}>{word === "stale" ? ageInWords(asked, gatewayNow()) : `${follows ? "last " : ""}${duration(ms)}`}</small>
      </h2>
      {asked.failure?.key && <p class="empty">{asked.failure.why}</p>}
      {isMissing ? (
        <p class="empty">It is not in this capsule.</p>
      ) : (
        <AskedAnswer asked={asked} retry={retry}>
          {children}
        </AskedAnswer>
      )}
    </article>
  );
}
