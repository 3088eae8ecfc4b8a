/** How the steps of a funnel follow each other, whose events are taken together, and what must not lie in between. */
import type { EventNames, FunnelExclusion } from "../model/contracts.ts";
import { EMPTY_STEP, type FunnelQuestion, MOST_EXCLUSIONS, ORDERS, UNITS_OF } from "../model/funnels.ts";
import { Choice } from "./choice.tsx";
import { faultOf } from "./event-conditions.tsx";
import { EventFilter } from "./event-filter.tsx";
import { TextField } from "./field.tsx";
import { Part } from "./form-part.tsx";

interface Props {
  funnel: FunnelQuestion;
  set: (funnel: FunnelQuestion) => void;
  names: EventNames | null;
  fault: (place: string) => string;
}

export function FunnelOptions({ funnel, set, names, fault }: Props) {
  const { order = "ordered", unit = "user", account = "", exclusions = [] } = funnel;
  const put = (at: number, changed: FunnelExclusion) => set({ ...funnel, exclusions: exclusions.map((one, i) => (i === at ? changed : one)) });
  return (
    <div class="funnel-form">
      <div class="question-row">
        <Choice title="Order" value={order} values={ORDERS.map(([one]) => one)} words={wordOf(ORDERS)} set={(one) => set({ ...funnel, order: one as typeof order })} {...faultOf(fault("order"))} />
        <Choice title="Of each" value={unit} values={UNITS_OF.map(([one]) => one)} words={wordOf(UNITS_OF)} set={(one) => set({ ...funnel, unit: one as typeof unit })} {...faultOf(fault("unit"))} />
        {unit === "account" && <TextField title="Account" value={account} list={names?.properties ?? []} placeholder="property" set={(name) => set({ ...funnel, account: name })} {...faultOf(fault("account"))} />}
      </div>
      {exclusions.map((one, at) => (
        <Part
          key={at}
          title={`Not in between ${at + 1}`}
          actions={
            <button type="button" aria-label={`Remove what must not lie in between ${at + 1}`} onClick={() => set({ ...funnel, exclusions: exclusions.filter((_, i) => i !== at) })}>
              ×
            </button>
          }
        >
          <EventFilter title="Event type" filter={one} set={(changed) => put(at, { ...one, ...changed })} names={names} fault={(place) => fault(`exclusions.${at}.${place}`) || (place === "event_type" ? fault("exclusions") : "")} />
        </Part>
      ))}
      {order !== "strict" && exclusions.length < MOST_EXCLUSIONS && (
        <button type="button" class="link add" onClick={() => set({ ...funnel, exclusions: [...exclusions, EMPTY_STEP] })}>
          Add what must not lie in between
        </button>
      )}
    </div>
  );
}

function wordOf(pairs: readonly (readonly [string, string])[]): (value: string) => string {
  return (value) => pairs.find(([one]) => one === value)?.[1] ?? value;
}
