/** The frame around the page of cohorts. */
import { useEffect, useState } from "preact/hooks";
import { deleteCohort, fetchCohorts, fetchEventNames, storeCohort } from "../live/product.ts";
import { failureOf, useAsked } from "../live/use-asked.ts";
import type { Failure } from "../model/asked.ts";
import { COHORTS_PATH } from "../model/product.ts";
import { CohortsPage } from "../pages/cohorts.tsx";
import { ExplorerFrame, type ExplorerProps, NAMES_EVERY_MS, useClock } from "./explorer-frame.tsx";

const EVERY_MS = 30_000;

export function CohortsView({ places, go, theme }: ExplorerProps) {
  const now = useClock();
  const [cohorts, retry] = useAsked("cohorts", EVERY_MS, fetchCohorts);
  const [names, retryNames] = useAsked("names", NAMES_EVERY_MS, fetchEventNames);
  /** Why a change was refused for its key: another one is asked for above. */
  const [refused, setRefused] = useState<Failure | null>(null);
  useEffect(() => {
    document.title = "Cohorts · Drishti";
  }, []);
  const change = async (made: Promise<unknown>): Promise<Failure | null> => {
    try {
      await made;
      setRefused(null);
      retry();
      return null;
    } catch (error) {
      const failure = failureOf(error);
      setRefused(failure.key ? failure : null);
      return failure;
    }
  };
  const opened = () => {
    setRefused(null);
    retry();
    retryNames();
  };
  return (
    <ExplorerFrame places={places} path={COHORTS_PATH} go={go} asked={refused ? { ...cohorts, failure: refused } : cohorts} every={EVERY_MS} now={now} theme={theme} opened={opened}>
      <CohortsPage cohorts={cohorts} names={names} retry={retry} store={(name, body) => change(storeCohort(name, body))} remove={({ name, revision }) => change(deleteCohort(name, revision))} />
    </ExplorerFrame>
  );
}
