/** Traces that a search finds, in a panel: each leads to its own page. */
import { fetchTracesOf } from "../live/traces.ts";
import type { TracesPanel } from "../model/contracts.ts";
import { linkTo } from "../model/explorer-choice.ts";
import { spent, TRACES_PATH } from "../model/explorer.ts";
import { keyOf } from "../model/panels.ts";
import { anyOf, hasSeveral, traceSearch } from "../model/searches.ts";
import { AskedPanel } from "./asked-panel.tsx";
import { HowToSend } from "./how-to-send.tsx";
import type { Seen } from "./panel-data.ts";
import { When } from "./when.tsx";

/** The page of the same search; empty where it has none. */
function pageOf(panel: TracesPanel, { now, minutes }: Seen): string {
  if (hasSeveral(panel)) return "";
  const said = new URLSearchParams(traceSearch(panel, Math.round(now - minutes * 60_000), Math.round(now)));
  for (const [ours, theirs] of [["limit", ""], ["min_duration_ms", "min"]] as const) {
    const value = said.get(ours);
    said.delete(ours);
    if (theirs && value) said.set(theirs, value);
  }
  if (panel.root) said.set("root", "1");
  return `${TRACES_PATH}?${said}`;
}

export function TraceList({ panel, seen }: { panel: TracesPanel; seen: Seen }) {
  return (
    <AskedPanel
      id={keyOf(panel)}
      title={panel.title}
      link={pageOf(panel, seen)}
      asks={String(traceSearch(panel, 0, 0))}
      seen={seen}
      kind="traces"
      ask={(from, to, signal) => fetchTracesOf(panel, from, to, signal)}
      rows={({ traces }) => ({
        columns: [
          { title: "Started", unit: "", kind: "time" },
          { title: "Service", unit: "", kind: "text" },
          { title: "Operation", unit: "", kind: "text" },
          { title: "Duration", unit: "ms", kind: "number" },
          { title: "Spans", unit: "", kind: "number" },
          { title: "Failed", unit: "", kind: "number" },
          { title: "Trace", unit: "", kind: "text" },
        ],
        rows: traces.map((one) => [one.start_ms, one.service, one.operation, one.duration_ms, one.spans, one.errors, one.trace_id]),
      })}
    >
      {({ traces, service_names: names = {} }) => {
        const longest = Math.max(...traces.map((trace) => trace.duration_ms), 0);
        if (!traces.length) return <NoTraces bare={isBare(panel)} />;
        return (
          <ul class="found" aria-label="Traces">
            {traces.map((trace) => (
              <li key={trace.trace_id} class={trace.errors ? "bad" : ""}>
                <a href={linkTo(TRACES_PATH, { trace: trace.trace_id })}>
                  <bdi>{names[trace.service] ?? trace.service}</bdi>: <bdi>{trace.operation}</bdi>
                </a>
                <b>{spent(trace.duration_ms)}</b>
                <span class="track" aria-hidden="true">
                  <span style={{ width: `${longest > 0 ? (trace.duration_ms / longest) * 100 : 0}%` }} />
                </span>
                <small>
                  <When at={trace.start_ms} now={seen.now} /> · {trace.spans} {trace.spans === 1 ? "span" : "spans"}
                  {trace.errors > 0 && <span class="bad"> · {trace.errors} failed</span>}
                </small>
              </li>
            ))}
          </ul>
        );
      }}
    </AskedPanel>
  );
}

function isBare({ service, services, operation, operations, text, texts, attributes, failed }: TracesPanel): boolean {
  return !failed && ![anyOf(service, services), anyOf(operation, operations), anyOf(text, texts), attributes ?? []].some((one) => one.length);
}

function NoTraces({ bare }: { bare: boolean }) {
  return (
    <div class="empty">
      <p>No trace {bare ? "was received" : "meets these conditions"} in this range.</p>
      {bare && <HowToSend />}
    </div>
  );
}
