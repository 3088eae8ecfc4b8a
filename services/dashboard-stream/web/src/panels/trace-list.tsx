/** Traces that a search finds, in a panel: each leads to its own page. */
import { fetchTraces } from "../live/traces.ts";
import type { TracesPanel } from "../model/contracts.ts";
import { linkTo } from "../model/explorer-choice.ts";
import { sorted, spent, TRACES_PATH } from "../model/explorer.ts";
import { AskedPanel } from "./asked-panel.tsx";
import { HowToSend } from "./how-to-send.tsx";
import type { Seen } from "./panel-data.ts";
import { When } from "./when.tsx";

const TOP = 10;

/** The search as the gateway takes it. */
function searchOf(panel: TracesPanel, from: number, to: number): URLSearchParams {
  const asked = new URLSearchParams({ from: String(from), to: String(to), limit: String(panel.top ?? TOP) });
  const say = (name: string, value: string | undefined) => value && asked.set(name, value);
  say("service", panel.service);
  say("operation", panel.operation);
  say("status", panel.failed ? "error" : "");
  say("root", panel.root ? "true" : "");
  say("min_duration_ms", panel.min_duration_ms ? String(panel.min_duration_ms) : "");
  say("text", panel.text);
  say("order", panel.order === "slowest" ? "slowest" : "");
  for (const one of panel.attributes ?? []) asked.append("attribute", one);
  return asked;
}

/** The page of the same search. */
function pageOf(panel: TracesPanel, { now, minutes }: Seen): string {
  const said = new URLSearchParams(searchOf(panel, Math.round(now - minutes * 60_000), Math.round(now)));
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
      title={panel.title}
      link={pageOf(panel, seen)}
      asks={String(searchOf(panel, 0, 0))}
      seen={seen}
      kind="traces"
      ask={async (from, to, signal) => {
        const found = await fetchTraces(searchOf(panel, from, to), signal);
        return { ...found, traces: sorted(found.traces, { sort: "", slowest: panel.order === "slowest" }) };
      }}
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
        if (!traces.length) return <NoTraces bare={!panel.service && !panel.operation && !panel.failed && !panel.text && !panel.attributes?.length} />;
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

function NoTraces({ bare }: { bare: boolean }) {
  return (
    <div class="empty">
      <p>No trace {bare ? "was received" : "meets these conditions"} in this range.</p>
      {bare && <HowToSend />}
    </div>
  );
}
