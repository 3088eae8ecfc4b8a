/** Asks what a panel asks while somebody edits it, and puts the answers onto a board. */
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { Board } from "../model/board.ts";
import type { AnswerSet } from "../model/contracts.ts";
import type { Metric } from "../model/metrics.ts";
import type { Panel } from "../model/panels.ts";
import type { Ask } from "../panels/use-values.ts";
import { type Asked, askedBy, frameOf } from "./preview.ts";
import { Variables } from "./variables-form.tsx";

/** After the last key: a word is typed in less. */
const PAUSE_MS = 300;
const EVERY_MS = 20_000;

export interface Preview {
  board: Board;
  now: number;
  /** Why there are no newer numbers. */
  why: string;
}

export function usePreview(panel: Panel, metrics: readonly Metric[], ask: Ask): Preview {
  const variables = useContext(Variables);
  const [preview, setPreview] = useState<Preview>(() => ({ board: new Board(), now: Date.now(), why: "" }));
  const asked = askedBy(panel, metrics, variables);
  const key = JSON.stringify(asked);
  const first = useRef(true);
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    const run = async () => {
      if (document.visibilityState === "visible") {
        try {
          const next = await read(JSON.parse(key) as Asked[], ask, abort.signal);
          if (abort.signal.aborted) return;
          setPreview(next);
        } catch (error) {
          if (abort.signal.aborted) return;
          setPreview((before) => ({ ...before, why: error instanceof Error ? error.message : String(error) }));
        }
      }
      timer = window.setTimeout(() => void run(), EVERY_MS);
    };
    timer = window.setTimeout(() => void run(), first.current ? 0 : PAUSE_MS);
    first.current = false;
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [key]);
  return preview;
}

/** Spans are one number of whole hours, lines a point a minute: one set of questions for each range. */
async function read(asked: readonly Asked[], ask: Ask, signal: AbortSignal): Promise<Preview> {
  const board = new Board();
  const answers: (AnswerSet["answers"][number] | undefined)[] = asked.map(() => undefined);
  let names: Record<string, string> = {};
  let now = Date.now();
  const ranges = new Map<string, number[]>();
  asked.forEach(({ span, ms }, i) => ranges.set(`${span} ${ms}`, [...(ranges.get(`${span} ${ms}`) ?? []), i]));
  for (const places of ranges.values()) {
    const together = places.map((i) => asked[i] as Asked);
    const { span, ms } = together[0] as Asked;
    const answered = await ask(together.map((one) => one.question), ms, span ? "1h" : "1m", signal);
    places.forEach((i, place) => (answers[i] = answered.set.answers[place]));
    names = { ...names, ...answered.set.service_names };
    now = answered.now;
  }
  board.take(frameOf(asked, answers, names, now));
  return { board, now, why: "" };
}
