/** The page of activity: how many users are active, who of them is new, and who stays away. */
import { useState } from "preact/hooks";
import { activityOf, type ActivityQuestion, activityUsersLink, type Chosen, completeActivity, latestDay } from "../model/activity.ts";
import type { ActivityAnswer } from "../model/contracts.ts";
import { percent } from "../model/explorer-choice.ts";
import { counted, dateIn, NONE, whole } from "../model/format.ts";
import { periodInWords } from "../model/retention.ts";
import { ActivityBars, ActivityTable } from "../panels/activity-bars.tsx";
import { ActivityForm } from "../panels/activity-form.tsx";
import { AskedByForm, type QuestionPageProps } from "../panels/asked-by-form.tsx";
import { Choice } from "../panels/choice.tsx";

export function ActivityPage(page: QuestionPageProps<ActivityAnswer>) {
  return (
    <AskedByForm title="Activity" label="Activity" hint="" page={page} read={activityOf} complete={completeActivity} form={(form) => <ActivityForm {...form} />}>
      {(answer, question) => <Found answer={answer} question={question} />}
    </AskedByForm>
  );
}

function Found({ answer, question }: { answer: ActivityAnswer; question: ActivityQuestion }) {
  const [chosen, choose] = useState(-1);
  const { groups = [], interval, stickiness } = answer;
  const { tz = "UTC", breakdown = "" } = question;
  const group = groups[chosen];
  const latest = latestDay(answer);
  const date = (at: number) => dateIn(at, tz, { day: "numeric", month: "short", year: "numeric" });
  const shown = {
    periods: group?.periods ?? answer.periods,
    interval,
    tz,
    linkOf: (of: Chosen) => activityUsersLink(question, answer, group ? { ...of, value: group.value } : of),
  };
  return (
    <>
      <section class="panel" aria-label="Active users">
        <h2>
          {counted(answer.users, "user")} were active{" "}
          <small>
            {date(answer.from)} to {date(answer.to - 1)}, {tz}
          </small>
        </h2>
        {latest && (
          <dl class="facts">
            <Fact title={`On ${periodInWords(latest.from, "day", tz)}`} value={whole(latest.active)} />
            <Fact title="In the 7 days up to it" value={whole(latest.last_7)} />
            <Fact title="In the 30 days up to it" value={whole(latest.last_30)} />
            <Fact title="Stickiness, mean of days" value={typeof stickiness === "number" ? percent(stickiness) : NONE} about="Users of a day as a share of those of its last 30 days" />
          </dl>
        )}
        {groups.length > 0 && (
          <div class="question-row retention-choices">
            <Choice title={`Of ${breakdown}`} value={String(chosen)} values={["-1", ...groups.map((_, place) => String(place))]} words={(one) => (one === "-1" ? "all together" : (groups[Number(one)]?.value ?? "unknown"))} set={(one) => choose(Number(one))} />
          </div>
        )}
        <ActivityBars {...shown} />
        <p class="muted">
          New: the first event of all that is stored. Returning: active in the period before, too. Resurrected: not in that one, and not new. Dormant, below the line: active in the period before alone.
        </p>
        {answer.from < answer.kept_from && <p class="muted">What happened before {date(answer.kept_from)} is not stored: who began earlier is new from then on.</p>}
      </section>
      <section class="panel" aria-label="By period">
        <ActivityTable {...shown} />
      </section>
    </>
  );
}

function Fact({ title, value, about }: { title: string; value: string; about?: string }) {
  return (
    <div title={about}>
      <dt>{title}</dt>
      <dd>{value}</dd>
    </div>
  );
}
