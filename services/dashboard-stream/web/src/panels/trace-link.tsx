/** A trace by its id: to its page, and to Jaeger where that is known. */
import type { ComponentChildren } from "preact";
import { linkTo } from "../model/explorer-choice.ts";
import { TRACES_PATH } from "../model/explorer.ts";

interface Props {
  id: string;
  span?: string | null | undefined;
  /** The address of Jaeger's pages; empty where there are none. */
  jaeger: string;
  children?: ComponentChildren;
}

export function TraceLink({ id, span, jaeger, children }: Props) {
  return (
    <span class="trace-link">
      <a href={linkTo(TRACES_PATH, { trace: id, span: span ?? "" })} title={`Trace ${id}`}>
        {children ?? <code>{id.slice(0, 8)}</code>}
      </a>
      {jaeger && (
        <>
          {" "}
          <small>
            <a href={`${jaeger}/trace/${id}`} aria-label={`Trace ${id.slice(0, 8)} in Jaeger`}>
              Jaeger
            </a>
          </small>
        </>
      )}
    </span>
  );
}
