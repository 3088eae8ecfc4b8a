/** The page of funnels: put together on one side, and who got how far on the other. */
import { useEffect, useState } from "preact/hooks";
import type { Asked } from "../model/asked.ts";
import type { EventNames, FunnelAnswer } from "../model/contracts.ts";
import { askedFunnel, type FunnelQuestion, funnelOf, funnelUsersLink, resultInWords } from "../model/funnels.ts";
import { type QuestionChoice, replacedAt } from "../model/product.ts";
import { rangeInWords, USER_RANGES } from "../model/time-range.ts";
import { Counting } from "../panels/counting.tsx";
import { FunnelBars, FunnelGroups, Times } from "../panels/funnel-bars.tsx";
import { FunnelForm } from "../panels/funnel-form.tsx";
import { HowToIdentify } from "../panels/how-to-identify.tsx";
import { TimeRange } from "../panels/time-range.tsx";

interface Props {
  answer: Asked<FunnelAnswer>;
  names: Asked<EventNames>;
  choice: QuestionChoice;
  show: (changed: Partial<QuestionChoice>) => void;
  retry: () => void;
  now: number;
}

export function FunnelsPage({ answer, names, choice, show, retry, now }: Props) {
  const known = names.value;
  const key = JSON.stringify(choice.question);
  const [draft, setDraft] = useState(() => funnelOf(choice.question));
  useEffect(() => setDraft(funnelOf(choice.question)), [key]);
  const ready = askedFunnel(draft);
  const ask = (event: Event) => {
    event.preventDefault();
    if (!ready) return;
    if (JSON.stringify(ready) === key) retry();
    else show({ question: { ...ready } });
  };
  const fault = (place: string) => (answer.failure?.field === place ? answer.failure.why : "");
  const none = known !== null && known.event_types.length === 0;
  return (
    <div class="traces">
      <h1>Funnels</h1>
      <div class="panel trace-conditions">
        <TimeRange window={choice} show={show} now={now} ranges={USER_RANGES} />
      </div>
      {none ? (
        <div class="panel empty">
          <p>No event of a user was received yet.</p>
          <HowToIdentify />
        </div>
      ) : (
        <div class="asked-by-form">
          <form class="panel" aria-label="Funnel" onSubmit={ask}>
            <FunnelForm funnel={draft} set={setDraft} names={known} fault={fault} />
            <button type="submit" disabled={!ready}>
              Count users
            </button>
          </form>
          <div class="answer">
            {choice.question ? (
              <Counting asked={answer} retry={retry} replace={(field, name) => show({ question: replacedAt(choice.question ?? {}, field, name) })}>
                {(found) => <Found answer={found} funnel={funnelOf(choice.question)} range={rangeInWords(choice, now)} />}
              </Counting>
            ) : (
              <p class="panel empty">How many users do one thing after another: name the event of each step, and count.</p>
            )}
          </div>
        </div>
      )}
    </div>
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
      </section>
      {funnel.breakdown && (
        <section class="panel" aria-label={`By ${funnel.breakdown}`}>
          <h2>
            <span>
              By <bdi>{funnel.breakdown}</bdi>
            </span>
          </h2>
          <FunnelGroups answer={answer} breakdown={funnel.breakdown} linkOf={linkOf} />
        </section>
      )}
    </>
  );
}
