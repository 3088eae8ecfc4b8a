/** Puts a funnel together: its steps, the time that a user has for them, and the property that tells users apart. */
import type { EventNames } from "../model/contracts.ts";
import { EMPTY_STEP, type FunnelQuestion, MOST_STEPS } from "../model/funnels.ts";
import { CohortField } from "./cohort-field.tsx";
import { faultOf } from "./event-conditions.tsx";
import { EventFilter } from "./event-filter.tsx";
import { TextField } from "./field.tsx";
import { Part } from "./form-part.tsx";
import { WindowField } from "./window-field.tsx";
import "./product.css";

interface Props {
  funnel: FunnelQuestion;
  set: (funnel: FunnelQuestion) => void;
  names: EventNames | null;
  /** What is wrong with the part of the question at this place: `steps.0.event_type`. */
  fault: (place: string) => string;
}

export function FunnelForm({ funnel, set, names, fault }: Props) {
  const { steps } = funnel;
  const put = (at: number, step: (typeof steps)[number]) => set({ ...funnel, steps: steps.map((one, i) => (i === at ? step : one)) });
  const moved = (at: number, to: number) => {
    const order = [...steps];
    order.splice(to, 0, ...order.splice(at, 1));
    set({ ...funnel, steps: order });
  };
  return (
    <div class="funnel-form">
      <div class="steps">
        {steps.map((step, at) => (
          <Part
            key={at}
            title={`Step ${at + 1}`}
            actions={
              <>
                {at > 0 && (
                  <button type="button" aria-label={`Move step ${at + 1} up`} onClick={() => moved(at, at - 1)}>
                    ↑
                  </button>
                )}
                {steps.length > 2 && (
                  <button type="button" aria-label={`Remove step ${at + 1}`} onClick={() => set({ ...funnel, steps: steps.filter((_, i) => i !== at) })}>
                    ×
                  </button>
                )}
              </>
            }
          >
            <EventFilter title="Event type" filter={step} set={(changed) => put(at, changed)} names={names} fault={(place) => fault(`steps.${at}.${place}`)} />
          </Part>
        ))}
      </div>
      {steps.length < MOST_STEPS && (
        <button type="button" class="link add" onClick={() => set({ ...funnel, steps: [...steps, EMPTY_STEP] })}>
          Add a step
        </button>
      )}
      <div class="question-row">
        <WindowField title="Within" seconds={funnel.window_s} set={(window_s) => set({ ...funnel, window_s })} error={fault("window_s")} />
        <TextField title="By" value={funnel.breakdown ?? ""} list={names?.properties ?? []} placeholder="property" set={(breakdown) => set({ ...funnel, breakdown })} {...faultOf(fault("breakdown"))} />
      </div>
      <CohortField cohort={funnel.cohort} set={(cohort) => set({ ...funnel, cohort })} error={fault("cohort")} />
    </div>
  );
}
