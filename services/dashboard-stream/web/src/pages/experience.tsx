/** The page of experience against behaviour: what users do after they met something, by how much of it. */
import type { DoseResponseAnswer } from "../model/contracts.ts";
import { completeExperience, doseInWords, experienceOf, type ExperienceQuestion } from "../model/experience.ts";
import { counted, dayAndTime, decimal, whole } from "../model/format.ts";
import { excludedInWords } from "../model/sessions.ts";
import { AskedByForm, type QuestionPageProps } from "../panels/asked-by-form.tsx";
import { ExperienceBars, ExperienceConfounders } from "../panels/experience-answer.tsx";
import { ExperienceForm } from "../panels/experience-form.tsx";

export function ExperiencePage(page: QuestionPageProps<DoseResponseAnswer>) {
  return (
    <AskedByForm
      title="Experience"
      label="Experience"
      hint="Do users who wait longer, or meet more errors, come back less? Name what they meet, and count."
      page={page}
      read={experienceOf}
      complete={completeExperience}
      form={(form) => <ExperienceForm {...form} />}
    >
      {(answer, question) => <Found answer={answer} question={question} />}
    </AskedByForm>
  );
}

function Found({ answer, question }: { answer: DoseResponseAnswer; question: ExperienceQuestion }) {
  const { spearman = null, text = [], confounders = [] } = answer;
  const both = { answer, question };
  return (
    <>
      <section class="panel" aria-label="By what was met">
        <h2>
          <span>
            {counted(answer.users, "user")} by <bdi>{doseInWords(question.dose)}</bdi>
          </span>
          <small>
            who began from {dayAndTime(answer.from)} to {dayAndTime(answer.to)}
          </small>
        </h2>
        <ExperienceBars {...both} />
        <ul class="said">
          {text.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
        <p class="muted">
          The whiskers are 95 % intervals. {spearman !== null && `Rank correlation ${decimal(spearman, 2, 2)}, from ${whole(-1)} to ${whole(1)}.`} {excludedInWords(answer.excluded_users)}
        </p>
      </section>
      {confounders.length > 0 && answer.users > 0 && (
        <section class="panel" aria-label="What else tells users apart">
          <h2>Among users who are alike</h2>
          <p class="muted">A trend that is not there among users who are alike in something may come from that.</p>
          <ExperienceConfounders {...both} />
        </section>
      )}
    </>
  );
}
