/** What ends a session: a pause, and perhaps midnight and another campaign. */
import type { ComponentChildren } from "preact";
import { GAP_S, type SessionsQuestion } from "../model/sessions.ts";
import { WindowField } from "./window-field.tsx";

type Rule = Pick<SessionsQuestion, "gap_s" | "midnight" | "campaign">;

interface Props {
  question: Rule;
  put: (changed: Rule) => void;
  fault: (place: string) => string;
}

export function SessionRule({ question, put, fault }: Props) {
  return (
    <>
      <div class="question-row">
        <WindowField title="Ends after a pause of" seconds={question.gap_s ?? GAP_S} set={(seconds) => put({ gap_s: seconds })} error={fault("gap_s")} />
      </div>
      <FurtherEnds question={question} put={put} />
    </>
  );
}

/** What else ends a session; `zone` stands below the midnights that it is about. */
export function FurtherEnds({ question, put, zone }: Omit<Props, "fault"> & { zone?: ComponentChildren }) {
  const check = (title: string, name: "midnight" | "campaign") => (
    <label class="check">
      <input type="checkbox" checked={question[name] ?? false} onChange={(event) => put({ [name]: event.currentTarget.checked })} />
      <span>{title}</span>
    </label>
  );
  return (
    <>
      {check("Midnight ends a session", "midnight")}
      {question.midnight && zone}
      {check("Another campaign begins another session", "campaign")}
    </>
  );
}
