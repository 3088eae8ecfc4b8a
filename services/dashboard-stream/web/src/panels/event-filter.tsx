/** Chooses events: their type, and conditions on their properties that must all be met. */
import type { EventNames, FunnelStep } from "../model/contracts.ts";
import { filled } from "../model/event-choice.ts";
import { EventConditions, faultOf } from "./event-conditions.tsx";
import { TextField } from "./field.tsx";

interface Props {
  /** What the type is called in this form. */
  title: string;
  filter: FunnelStep;
  set: (filter: FunnelStep) => void;
  names: EventNames | null;
  /** What is wrong with the part of the question at this place below it: `event_type`, `where.0.value`. */
  fault: (place: string) => string;
  hint?: string;
}

export function EventFilter({ title, filter, set, names, fault, hint }: Props) {
  const { event_type, where = [], ...rest } = filter;
  return (
    <>
      <TextField title={title} value={event_type} list={names?.event_types ?? []} set={(name) => set({ ...filter, event_type: name })} placeholder="page_view" {...faultOf(fault("event_type"))} {...(hint ? { hint } : {})} />
      <EventConditions where={where} set={(conditions) => set({ ...rest, event_type, ...filled({ where: conditions }) })} names={names} fault={(place) => fault(`where.${place}`)} />
    </>
  );
}
