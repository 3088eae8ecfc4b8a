/** Narrows a question to the users of a cohort; not there where the tenant has none. */
import { fetchCohorts } from "../live/product.ts";
import { useAsked } from "../live/use-asked.ts";
import { Choice } from "./choice.tsx";
import { faultOf } from "./event-conditions.tsx";

const EVERY_MS = 120_000;

interface Props {
  cohort: string | undefined;
  /** Is told `undefined` for everybody. */
  set: (cohort: string | undefined) => void;
  error: string;
}

export function CohortField({ cohort = "", set, error }: Props) {
  const [asked] = useAsked("cohorts", EVERY_MS, fetchCohorts);
  const cohorts = asked.value?.cohorts ?? [];
  const names = [...new Set([...cohorts.map(({ name }) => name), ...(cohort ? [cohort] : [])])];
  if (names.length === 0) return null;
  return <Choice title="Of" value={cohort} values={["", ...names]} words={(name) => (name ? `the cohort ${cohorts.find((one) => one.name === name)?.title || name}` : "everybody")} set={(name) => set(name || undefined)} {...faultOf(error)} />;
}
