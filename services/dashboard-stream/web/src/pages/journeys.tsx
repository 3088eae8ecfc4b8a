/** The page of journeys: what users do one thing after another, after or before an event. */
import type { PathsAnswer } from "../model/contracts.ts";
import { counted } from "../model/format.ts";
import { completeJourneys, journeysOf, type JourneysQuestion, journeysUsersLink } from "../model/journeys.ts";
import { rangeInWords } from "../model/time-range.ts";
import { AskedByForm, type QuestionPageProps } from "../panels/asked-by-form.tsx";
import { JourneysForm } from "../panels/journeys-form.tsx";
import { type JourneyLink, JourneysPicture } from "../panels/journeys-picture.tsx";
import { JourneyEdges, JourneyNodes, TopPaths } from "../panels/journeys-tables.tsx";

export function JourneysPage(page: QuestionPageProps<PathsAnswer>) {
  return (
    <AskedByForm title="Journeys" label="Journeys" hint="" page={page} read={journeysOf} complete={completeJourneys} form={(form) => <JourneysForm {...form} />}>
      {(answer, question) => <Found answer={answer} question={question} range={rangeInWords(page.choice, page.now)} />}
    </AskedByForm>
  );
}

function Found({ answer, question, range }: { answer: PathsAnswer; question: JourneysQuestion; range: string }) {
  const linkOf: JourneyLink = (node, next) => journeysUsersLink(question, answer, node, next);
  const shown = { answer, question, linkOf };
  if (!answer.paths) {
    return (
      <p class="panel empty">
        No path {range}. {question.start || question.end ? "No session has the event that paths begin or end with" : "No user has such an event"}: choose a longer range, or other events.
      </p>
    );
  }
  return (
    <>
      <section class="panel" aria-label="Paths">
        <h2>
          {counted(answer.paths, "path")} of {counted(answer.users, "user")} <small>{range}</small>
        </h2>
        <JourneysPicture {...shown} />
        <p class="muted">The wider a band, the more paths. It is yellow where some events that it leads to failed, and red from 5 % on. A click on it, or on a step, leads to its users.</p>
      </section>
      <section class="panel" aria-label="From one step to the next">
        <JourneyEdges {...shown} />
      </section>
      <section class="panel" aria-label="Steps">
        <JourneyNodes {...shown} />
      </section>
      <section class="panel" aria-label="Most frequent paths">
        <h2>Most frequent paths</h2>
        <TopPaths answer={answer} />
      </section>
    </>
  );
}
