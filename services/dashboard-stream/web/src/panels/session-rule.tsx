/** What ends a session: a pause, and perhaps midnight and another campaign. */
import { windowParts, windowSeconds, WINDOW_UNITS, type WindowUnit } from "../model/funnels.ts";
import { GAP_S, type SessionsQuestion } from "../model/sessions.ts";
import { Choice } from "./choice.tsx";
import { faultOf } from "./event-conditions.tsx";
import { TextField } from "./field.tsx";

interface Props {
  question: SessionsQuestion;
  put: (changed: Partial<SessionsQuestion>) => void;
  fault: (place: string) => string;
}

export function SessionRule({ question, put, fault }: Props) {
  const { gap_s = GAP_S, midnight = false, campaign = false } = question;
  const { number, unit } = windowParts(gap_s);
  const check = (title: string, name: "midnight" | "campaign", checked: boolean) => (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={(event) => put({ [name]: event.currentTarget.checked })} />
      <span>{title}</span>
    </label>
  );
  return (
    <>
      <div class="question-row">
        <TextField title="Ends after a pause of" numeric value={number ? String(number) : ""} set={(typed) => put({ gap_s: windowSeconds(Number(typed) || 0, unit) })} {...faultOf(fault("gap_s"))} />
        <Choice title="Unit" value={unit} values={WINDOW_UNITS.map(([one]) => one)} words={(one) => WINDOW_UNITS.find(([name]) => name === one)?.[1] ?? one} set={(one) => put({ gap_s: windowSeconds(number, one as WindowUnit) })} />
      </div>
      {check("Midnight ends a session", "midnight", midnight)}
      {check("Another campaign begins another session", "campaign", campaign)}
    </>
  );
}
