/** Makes a capsule of what is stored of a range, and packs and unpacks the file that it is. */
import type { Dashboard } from "../model/catalogue.ts";
import { type Capsule, CapsuleFault, capsuleOf, citedTraces, MOST_BYTES, MOST_PACKED, readCapsule } from "../model/capsule.ts";
import type { TraceAnswer } from "../model/contracts.ts";
import { isAsked, keyOf } from "../model/panels.ts";
import type { Bounds } from "../model/shown-time.ts";
import { gatewayNow, NoAnswer } from "./analytics.ts";
import { fetchHistory, fetchNotes } from "./notes.ts";
import { answerOf } from "./panel-answers.ts";
import { fetchAnswered } from "./past.ts";
import { fetchTrace } from "./traces.ts";

/** Panels that are asked for at one time. */
const AT_ONCE = 8;

/** Everything that is stored of `dashboard` over `bounds`; raises {@link NoAnswer}. */
export async function gatherCapsule(dashboard: Dashboard, bounds: Bounds, signal: AbortSignal): Promise<Capsule> {
  const { answered, problems } = await fetchAnswered(dashboard.series, bounds, signal);
  const [history, notes] = await Promise.all([fetchHistory(bounds, signal), fetchNotes(bounds, signal)]);
  const panels = await panelAnswers(dashboard, bounds, problems, signal);
  const traces: TraceAnswer[] = [];
  for (const id of citedTraces(history.insights)) {
    try {
      traces.push(await fetchTrace(id, signal));
    } catch (error) {
      // A trace that is not kept any more is missing from what is named, and from nothing else.
      if (!(error instanceof NoAnswer)) throw error;
      problems.push(`trace ${id}: ${error.message}`);
    }
  }
  const said = [...problems, ...(history.problem ? [history.problem] : []), ...(notes.left_off ? [`${notes.left_off} notes`] : [])];
  return capsuleOf(dashboard, bounds, { answered, insights: history.insights, notes: notes.notes, traces, panels, problems: said }, gatewayNow());
}

/** What panels of stored spans and numbers show, by their ids; what is refused goes to `problems`. */
async function panelAnswers(dashboard: Dashboard, bounds: Bounds, problems: string[], signal: AbortSignal): Promise<Record<string, unknown>> {
  const panels = (dashboard.panels ?? []).filter(isAsked);
  const found: Record<string, unknown> = {};
  for (let first = 0; first < panels.length; first += AT_ONCE) {
    const asked = panels.slice(first, first + AT_ONCE).map(async (panel) => {
      try {
        found[keyOf(panel)] = await answerOf(panel, bounds, signal);
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        problems.push(`${panel.title}: ${error.message}`);
      }
    });
    await Promise.all(asked);
  }
  return found;
}

/** The file of a capsule; raises {@link CapsuleFault} where it would be larger than what is read again. */
export async function packed(capsule: Capsule): Promise<Blob> {
  const text = new Blob([JSON.stringify(capsule)]);
  if (text.size > MOST_BYTES) throw new CapsuleFault("There is too much in this range for a capsule: choose a shorter one.");
  const made = await new Response(text.stream().pipeThrough(new CompressionStream("gzip"))).blob();
  if (made.size > MOST_PACKED) throw new CapsuleFault("There is too much in this range for a capsule: choose a shorter one.");
  return made;
}

/** The capsule in `file`, packed or not; raises {@link CapsuleFault}. No more is unpacked than a capsule may have. */
export async function unpacked(file: Blob): Promise<Capsule> {
  if (file.size > MOST_PACKED) throw new CapsuleFault(`This file is too large for a capsule: ${Math.ceil(file.size / 2 ** 20)} MiB, and ${MOST_PACKED / 2 ** 20} is the most.`);
  const head = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const zipped = head[0] === 0x1f && head[1] === 0x8b;
  const stream: ReadableStream<Uint8Array> = zipped ? file.stream().pipeThrough(new DecompressionStream("gzip")) : file.stream();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = stream.getReader();
  const parts: string[] = [];
  let size = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      size += next.value.byteLength;
      if (size > MOST_BYTES) throw new CapsuleFault(`This file is no capsule: unpacked it has more than ${MOST_BYTES / 2 ** 20} MiB.`);
      parts.push(decoder.decode(next.value, { stream: true }));
    }
    parts.push(decoder.decode());
  } catch (error) {
    await reader.cancel().catch(() => undefined);
    if (error instanceof CapsuleFault) throw error;
    throw new CapsuleFault(zipped ? "This file is damaged: it cannot be unpacked." : "This file is no capsule: it is no text.");
  }
  return readCapsule(parts.join(""));
}
