/** The page of engagement: how engaged users are from 0 to 100, of what that is made, and how it went. */
import type { EngagementAnswer } from "../model/contracts.ts";
import { completeEngagement, engagementOf, type EngagementQuestion, WINDOW_DAYS } from "../model/engagement.ts";
import { counted, dateIn, dayAndTime } from "../model/format.ts";
import { excludedInWords } from "../model/sessions.ts";
import { AskedByForm, type QuestionPageProps } from "../panels/asked-by-form.tsx";
import { EngagedUsers } from "../panels/engaged-users.tsx";
import { EngagementDistribution, EngagementFacts, EngagementGroups, EngagementSeries } from "../panels/engagement-answer.tsx";
import { EngagementForm } from "../panels/engagement-form.tsx";

const DAY_MS = 86_400_000;

export function EngagementPage(page: QuestionPageProps<EngagementAnswer>) {
  return (
    <AskedByForm title="Engagement" label="Engagement" hint="" page={page} read={engagementOf} complete={completeEngagement} form={(form) => <EngagementForm {...form} />}>
      {(answer, question) => <Found answer={answer} question={question} />}
    </AskedByForm>
  );
}

function Found({ answer, question }: { answer: EngagementAnswer; question: EngagementQuestion }) {
  const { breakdown = "", window_days = WINDOW_DAYS, tz = "UTC" } = question;
  const both = { answer, question };
  return (
    <>
      <section class="panel" aria-label="Engagement of all">
        <h2>
          {counted(answer.users, "user")} with a score <small>of {counted(window_days, "day")} up to {dayAndTime(Math.min(answer.to, answer.as_of))}</small>
        </h2>
        <EngagementFacts {...both} />
        <EngagementDistribution {...both} />
        <p class="muted">
          A score is the weighted mean of recency, frequency, depth and satisfaction, each from 0 to 100. Who had no event in these days has none. {excludedInWords(answer.excluded_users)}
        </p>
        {answer.from - window_days * DAY_MS < answer.kept_from && <p class="muted">What happened before {dateIn(answer.kept_from, tz, { day: "numeric", month: "short", year: "numeric" })} is not stored: scores of days soon after it see less.</p>}
      </section>
      <section class="panel" aria-label="Over time">
        <h2>Over time</h2>
        <EngagementSeries {...both} />
      </section>
      {breakdown && (
        <section class="panel" aria-label={`By ${breakdown}`}>
          <h2>
            <span>
              By <bdi>{breakdown}</bdi>, its last value
            </span>
          </h2>
          <EngagementGroups {...both} />
        </section>
      )}
      {answer.users > 0 && <EngagedUsers {...both} />}
    </>
  );
}
