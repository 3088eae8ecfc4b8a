/** Values that a dimension of a metric had lately, to choose from: asked once and kept for a while. */
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { Metric } from "../model/metrics.ts";
import type { Ask } from "./use-preview.ts";

const DAY_MS = 86_400_000;
const KEPT_MS = 60_000;
/** More of them nobody looks through: they can be typed. */
const MOST = 100;
/** What values are ordered by, as far as a metric has it. */
const BY = ["count", "uniques", "value", "avg"];

/** Asks the gateway, wherever a form needs it. */
export const Asking = createContext<Ask | null>(null);

export interface KnownValues {
  values: string[];
  /** Names that services were given, by their tokens. */
  names: Readonly<Record<string, string>>;
}

const NONE: KnownValues = { values: [], names: {} };
const kept = new Map<string, { at: number; known: Promise<KnownValues> }>();

/** The values of `label` in the last day, the most frequent first; empty until they came, and where nothing is known. */
export function useValues(metric: Metric | null, label: string): KnownValues {
  const ask = useContext(Asking);
  const [known, setKnown] = useState(NONE);
  const token = metric?.token ?? "";
  const aggregate = BY.find((field) => field in (metric?.fields ?? {})) ?? "";
  useEffect(() => {
    if (!ask || !token || !label || !aggregate || !metric?.dimensions.includes(label)) return setKnown(NONE);
    let left = false;
    void asked(ask, token, aggregate, label).then((values) => left || setKnown(values));
    return () => {
      left = true;
    };
  }, [ask, token, label, aggregate]);
  return known;
}

function asked(ask: Ask, metric: string, aggregate: string, label: string): Promise<KnownValues> {
  const key = JSON.stringify([metric, label]);
  const before = kept.get(key);
  if (before && performance.now() - before.at < KEPT_MS) return before.known;
  const question = { metric, aggregate, group_by: [label], top: MOST };
  const known = ask([question], DAY_MS, "1h", AbortSignal.timeout(KEPT_MS)).then(
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
