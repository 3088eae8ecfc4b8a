/** What ends a session: a pause, and perhaps midnight and another campaign. */
import { GAP_S, type SessionsQuestion } from "../model/sessions.ts";
import { WindowField } from "./window-field.tsx";

interface Props {
  question: SessionsQuestion;
  put: (changed: Partial<SessionsQuestion>) => void;
  fault: (place: string) => string;
}

export function SessionRule({ question, put, fault }: Props) {
  const { gap_s = GAP_S, midnight = false, campaign = false } = question;
  const check = (title: string, name: "midnight" | "campaign", checked: boolean) => (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={(event) => put({ [name]: event.currentTarget.checked })} />
      <span>{title}</span>
    </label>
  );
  return (
    <>
      <div class="question-row">
        <WindowField title="Ends after a pause of" seconds={gap_s} set={(seconds) => put({ gap_s: seconds })} error={fault("gap_s")} />
      </div>
      {check("Midnight ends a session", "midnight", midnight)}
      {check("Another campaign begins another session", "campaign", campaign)}
    </>
  );
}
