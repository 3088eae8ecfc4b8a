/** The page of sessions: how many, how long and deep, over time and by a property, and where they began and ended. */
import type { SessionsAnswer } from "../model/contracts.ts";
import { dayAndTime } from "../model/format.ts";
import { completeSessions, excludedInWords, resultInWords, ruleInWords, sessionsOf, type SessionsQuestion } from "../model/sessions.ts";
import { AskedByForm, type QuestionPageProps } from "../panels/asked-by-form.tsx";
import { SessionFacts, SessionGroups, SessionPages, SessionSeries } from "../panels/sessions-answer.tsx";
import { SessionsForm } from "../panels/sessions-form.tsx";

export function SessionsPage(page: QuestionPageProps<SessionsAnswer>) {
  return (
    <AskedByForm title="Sessions" label="Sessions" hint="" page={page} read={sessionsOf} complete={completeSessions} form={(form) => <SessionsForm {...form} />}>
      {(answer, question) => <Found answer={answer} question={question} />}
    </AskedByForm>
  );
}

function Found({ answer, question }: { answer: SessionsAnswer; question: SessionsQuestion }) {
  const { breakdown = "", page = "" } = question;
  const both = { answer, question };
  return (
    <>
      <section class="panel" aria-label="All sessions">
        <h2>
          {resultInWords(answer)}{" "}
          <small>
            that began from {dayAndTime(answer.from)} to {dayAndTime(answer.to)}
          </small>
        </h2>
        <SessionFacts {...both} />
        <p class="muted">
          {ruleInWords(question)} Its duration is that from its first event to its last; a bounce is a session of one event. It counts when it begins. {excludedInWords(answer.excluded_users)}
        </p>
      </section>
      <section class="panel" aria-label="Over time">
        <h2>Over time</h2>
        <SessionSeries {...both} />
      </section>
      {breakdown && (
        <section class="panel" aria-label={`By ${breakdown}`}>
          <h2>
            <span>
              By <bdi>{breakdown}</bdi>, its first value in a session
            </span>
          </h2>
          <SessionGroups {...both} />
        </section>
      )}
      {page && (
        <>
          <section class="panel" aria-label="Entries">
            <h2>
              <span>
                Entries: the first <bdi>{page}</bdi>
              </span>
            </h2>
            <SessionPages {...both} end="entry" />
          </section>
          <section class="panel" aria-label="Exits">
            <h2>
              <span>
                Exits: the last <bdi>{page}</bdi>
              </span>
            </h2>
            <SessionPages {...both} end="exit" />
          </section>
        </>
      )}
    </>
  );
}
