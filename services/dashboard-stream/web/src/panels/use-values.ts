/** Values that a dimension of a metric had lately, to choose from: asked once and kept for a while. */
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { AnswerSet, Question } from "../model/contracts.ts";

/** What questions over the last so many ms are answered with. */
export type Ask = (questions: Question[], ms: number, resolution: string, signal: AbortSignal) => Promise<{ set: AnswerSet; now: number }>;

const DAY_MS = 86_400_000;
const KEPT_MS = 60_000;
const MOST_KEPT = 200;
const TIMEOUT_MS = 20_000;
/** More of them nobody looks through: they can be typed. */
const MOST = 100;
/** Asks the gateway, wherever a form needs it. */
export const Asking = createContext<Ask | null>(null);

export interface KnownValues {
  values: string[];
  /** Names that services were given, by their tokens. */
  names: Readonly<Record<string, string>>;
}

const NONE: KnownValues = { values: [], names: {} };
const kept = new Map<string, { at: number; known: Promise<KnownValues> }>();

/**
 * The values of `label` of the metric `token` in the last day, as `field` orders them; empty until they came, and where nothing is
 * known. Nothing is asked without a field.
 */
export function useValues(token: string, label: string, field: string): KnownValues {
  const ask = useContext(Asking);
  const [known, setKnown] = useState(NONE);
  useEffect(() => {
    if (!ask || !token || !label || !field) return setKnown(NONE);
    let left = false;
    void asked(ask, { metric: token, aggregate: field, group_by: [label], top: MOST }, label).then((values) => left || setKnown(values));
    return () => {
      left = true;
    };
  }, [ask, token, label, field]);
  return known;
}

function asked(ask: Ask, question: Question, label: string): Promise<KnownValues> {
  const key = JSON.stringify(question);
  const before = kept.get(key);
  if (before && performance.now() - before.at < KEPT_MS) return before.known;
  if (kept.size >= MOST_KEPT) kept.clear();
  const known = ask([question], DAY_MS, "1h", AbortSignal.timeout(TIMEOUT_MS)).then(
    ({ set }) => ({ values: (set.answers[0]?.series ?? []).flatMap((series) => series.labels[label] || []), names: set.service_names ?? {} }),
    () => {
      // Values can be typed, and the next who needs them asks again.
      kept.delete(key);
      return NONE;
    },
  );
  kept.set(key, { at: performance.now(), known });
  return known;
}
