/** The page of retention: who began in a period, and how many of them came back in later ones. */
import type { RetentionAnswer } from "../model/contracts.ts";
import { counted, dateIn } from "../model/format.ts";
import { completeRetention, retentionOf, type RetentionQuestion, retentionUsersLink, sizeOf } from "../model/retention.ts";
import { AskedByForm, type QuestionPageProps } from "../panels/asked-by-form.tsx";
import { RetentionForm } from "../panels/retention-form.tsx";
import { RetentionGroups, RetentionTable } from "../panels/retention-table.tsx";

export function RetentionPage(page: QuestionPageProps<RetentionAnswer>) {
  return (
    <AskedByForm title="Retention" label="Retention" hint="" page={page} read={retentionOf} complete={completeRetention} form={(form) => <RetentionForm {...form} />}>
      {(answer, question) => <Found answer={answer} question={question} />}
    </AskedByForm>
  );
}

function Found({ answer, question }: { answer: RetentionAnswer; question: RetentionQuestion }) {
  const { tz = "UTC", breakdown = "" } = question;
  const date = (at: number) => dateIn(at, tz, { day: "numeric", month: "short", year: "numeric" });
  return (
    <>
      <section class="panel" aria-label="Retention by cohort">
        <h2>
          {counted(sizeOf(answer), "user")} began{" "}
          <small>
            {date(answer.from)} to {date(answer.to - 1)}, {tz}
          </small>
        </h2>
        <RetentionTable answer={answer} question={question} linkOf={(chosen) => retentionUsersLink(question, answer, chosen)} />
        {answer.from < answer.kept_from && !question.recurring && <p class="muted">What happened before {date(answer.kept_from)} is not stored: who began earlier counts from then on.</p>}
      </section>
      {breakdown && (
        <section class="panel" aria-label={`By ${breakdown}`}>
          <h2>
            <span>
              By <bdi>{breakdown}</bdi>, all cohorts for which a period is over
            </span>
          </h2>
          <RetentionGroups answer={answer} breakdown={breakdown} />
        </section>
      )}
    </>
  );
}
