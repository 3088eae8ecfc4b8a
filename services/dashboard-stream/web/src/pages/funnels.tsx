/** The page of funnels: put together on one side, and who got how far on the other. */
import type { FunnelAnswer } from "../model/contracts.ts";
import { askedFunnel, type FunnelQuestion, funnelOf, funnelUsersLink, resultInWords } from "../model/funnels.ts";
import { rangeInWords } from "../model/time-range.ts";
import { AskedByForm, type QuestionPageProps } from "../panels/asked-by-form.tsx";
import { FunnelAutopsy } from "../panels/funnel-autopsy.tsx";
import { FunnelBars, FunnelGroups, MetExclusion, Times } from "../panels/funnel-bars.tsx";
import { FunnelForm } from "../panels/funnel-form.tsx";
import { FunnelOptions } from "../panels/funnel-options.tsx";

export function FunnelsPage(page: QuestionPageProps<FunnelAnswer>) {
  return (
    <AskedByForm
      title="Funnels"
      label="Funnel"
      hint="How many users do one thing after another: name the event of each step, and count."
      page={page}
      read={funnelOf}
      complete={askedFunnel}
      form={({ question, ...rest }) => (
        <>
          <FunnelForm funnel={question} {...rest} />
          <FunnelOptions funnel={question} {...rest} />
        </>
      )}
    >
      {(answer, funnel) => <Found answer={answer} funnel={funnel} range={rangeInWords(page.choice, page.now)} />}
    </AskedByForm>
  );
}

function Found({ answer, funnel, range }: { answer: FunnelAnswer; funnel: FunnelQuestion; range: string }) {
  const linkOf = (chosen: Parameters<typeof funnelUsersLink>[2]) => funnelUsersLink(funnel, answer, chosen);
  return (
    <>
      <section class="panel" aria-label="Steps of the funnel">
        <h2>
          {resultInWords(answer)} <small>{range}</small>
        </h2>
        <FunnelBars answer={answer} funnel={funnel} linkOf={linkOf} />
        {answer.times && <Times times={answer.times} />}
        <MetExclusion answer={answer} />
      </section>
      {funnel.breakdown && (
        <section class="panel" aria-label={`By ${funnel.breakdown}`}>
          <h2>
            <span>
              By <bdi>{funnel.breakdown}</bdi>
            </span>
          </h2>
          <FunnelGroups answer={answer} breakdown={funnel.breakdown} linkOf={linkOf} />
          <p class="muted">The value is that of the event of step 1: unknown, where that event has none.</p>
        </section>
      )}
      {(answer.unit ?? "user") === "user" && <FunnelAutopsy key={JSON.stringify(funnel)} answer={answer} funnel={funnel} />}
    </>
  );
}
