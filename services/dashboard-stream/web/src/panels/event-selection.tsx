/** Chooses events of any of some types, with conditions on their properties that must all be met. */
import type { EventNames, EventSelection as Selection } from "../model/contracts.ts";
import { filled } from "../model/event-choice.ts";
import { EventConditions, faultOf } from "./event-conditions.tsx";
import type { KnownValues } from "./use-values.ts";
import { ValuesField } from "./values-field.tsx";
import "./variables.css";

interface Props {
  /** What the types are called in this form. */
  title: string;
  selection: Selection;
  set: (selection: Selection) => void;
  names: EventNames | null;
  /** What is wrong with the part of the question at this place below it: `event_types.0`, `where.0.value`. */
  fault: (place: string) => string;
}

export function EventSelection({ title, selection, set, names, fault }: Props) {
  const { event_types = [], where = [], ...rest } = selection;
  const put = (changed: Selection) => set({ ...rest, ...filled({ event_types, where, ...changed }) });
  const error = event_types.map((_, at) => fault(`event_types.${at}`)).find(Boolean) || fault("event_types");
  return (
    <>
      <EventTypes title={title} chosen={event_types} set={(types) => put({ event_types: types })} names={names} error={error} />
      <EventConditions where={where} set={(conditions) => put({ where: conditions })} names={names} fault={(place) => fault(`where.${place}`)} />
    </>
  );
}

interface TypesProps {
  title: string;
  chosen: readonly string[];
  set: (types: string[]) => void;
  names: EventNames | null;
  error: string;
}

const NONE: KnownValues = { values: [], names: {} };

function EventTypes({ title, chosen, set, names, error }: TypesProps) {
  const known = [...new Set([...(names?.event_types ?? []), ...chosen])];
  return (
    <ValuesField
      title={title}
      label="event_type"
      chosen={chosen}
      known={NONE}
      // As they are sent, not as labels are written.
      more={known.map((value) => ({ value, text: value }))}
      hint={chosen.length ? "" : "Of any type, if none is chosen."}
      placeholder={chosen.length ? "or another type" : "any"}
      set={set}
      {...faultOf(error)}
    />
  );
}
