/** Has a panel show a saved funnel, whose numbers come by themselves; not there where the tenant has none. */
import { fetchSavedFunnels } from "../live/product.ts";
import { useAsked } from "../live/use-asked.ts";
import { Choice } from "./choice.tsx";
import { faultOf } from "./event-conditions.tsx";

const EVERY_MS = 120_000;

interface Props {
  saved: string | undefined;
  /** Is told `undefined` for none. */
  set: (saved: string | undefined) => void;
  error: string;
}

export function SavedFunnelField({ saved = "", set, error }: Props) {
  const [asked] = useAsked("saved funnels", EVERY_MS, fetchSavedFunnels);
  const funnels = asked.value?.funnels ?? [];
  const names = [...new Set([...funnels.map(({ name }) => name), ...(saved ? [saved] : [])])];
  if (names.length === 0) return null;
  return <Choice title="Shows" value={saved} values={["", ...names]} words={(name) => (name ? `the saved funnel ${funnels.find((one) => one.name === name)?.title || name}` : "the steps below")} set={(name) => set(name || undefined)} {...faultOf(error)} />;
}
