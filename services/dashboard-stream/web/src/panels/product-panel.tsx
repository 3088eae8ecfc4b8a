/** A panel of what users do: asked over the range that is shown, with a title that leads to the page of the question. */
import type { ComponentChildren } from "preact";
import type { DataTable } from "../model/data-table.ts";
import { type Body, questionLink } from "../model/product.ts";
import { AskedPanel } from "./asked-panel.tsx";
import type { Seen } from "./panel-data.ts";

interface Props<A> {
  id: string;
  title: string;
  /** Of the panel; the name of its page too. */
  kind: "retention" | "journeys";
  /** The question as it is sent; `null`: it is not complete. */
  asked: object | null;
  ask: (question: Body, signal: AbortSignal) => Promise<A>;
  seen: Seen;
  rows: (answer: A) => DataTable;
  children: (answer: A) => ComponentChildren;
}

export function ProductPanel<A>({ id, title, kind, asked, ask, seen, rows, children }: Props<A>) {
  if (!asked) {
    return (
      <article class="panel">
        <h2>{title}</h2>
        <p class="empty">Name the events, and the property of each condition.</p>
      </article>
    );
  }
  const to = Math.round(seen.now);
  const question = { ...asked };
  return (
    <AskedPanel id={id} title={title} link={questionLink(kind, question, { from: Math.round(to - seen.minutes * 60_000), to })} asks={JSON.stringify(question)} seen={seen} kind={kind} ask={(from, until, signal) => ask({ ...question, from, to: until }, signal)} rows={rows}>
      {children}
    </AskedPanel>
  );
}
