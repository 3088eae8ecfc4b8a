/** What differs between users who went on to a step of a funnel and those who left before it; asked for by hand, since it takes longer. */
import { useState } from "preact/hooks";
import { fetchAutopsy } from "../live/product.ts";
import { useAsked } from "../live/use-asked.ts";
import type { AutopsyDifference, FunnelAnswer, FunnelAutopsyAnswer } from "../model/contracts.ts";
import { percent } from "../model/explorer-choice.ts";
import { counted } from "../model/format.ts";
import { autopsyQuestion, chanceInWords, type FunnelQuestion, stepInWords, worstStep } from "../model/funnels.ts";
import { Choice } from "./choice.tsx";
import { Counting } from "./counting.tsx";
import { TraceLink } from "./trace-link.tsx";
import { UserLink } from "./user-link.tsx";
import "./product.css";

const ONCE_MS = 3_600_000;

export function FunnelAutopsy({ answer, funnel }: { answer: FunnelAnswer; funnel: FunnelQuestion }) {
  const [chosen, choose] = useState<number | null>(null);
  // A sample, which may come first, can have another one than all users have.
  const step = chosen ?? worstStep(answer);
  const [asks, setAsks] = useState<string | null>(null);
  const [found, retry] = useAsked(asks, ONCE_MS, (signal) => fetchAutopsy(JSON.parse(asks ?? "{}"), signal));
  const steps = funnel.steps.map((one, place) => ({ number: String(place + 1), words: `${place + 1}. ${stepInWords(one)}` })).slice(1);
  return (
    <section class="panel funnel-autopsy" aria-label="What differs">
      <h2>What differs between those who went on and those who left</h2>
      <form
        class="trace-conditions"
        onSubmit={(event) => {
          event.preventDefault();
          setAsks(JSON.stringify(autopsyQuestion(funnel, answer, step)));
        }}
      >
        <Choice title="Before step" value={String(step)} values={steps.map(({ number }) => number)} words={(number) => steps.find((one) => one.number === number)?.words ?? number} set={(number) => choose(Number(number))} />
        <button type="submit">Compare</button>
      </form>
      {asks && (
        <Counting asked={found} retry={retry}>
          {(compared) => <Compared answer={compared} />}
        </Counting>
      )}
    </section>
  );
}

function Compared({ answer }: { answer: FunnelAutopsyAnswer }) {
  const { differences = [], text = [], not_compared = [] } = answer;
  // What may come from another difference is said of many of them, and would push the table off the screen.
  const ofOne = text.filter((sentence) => differences.some((one) => sentence.includes(`“${one.text}”`)));
  return (
    <>
      {text
        .filter((sentence) => !ofOne.includes(sentence))
        .map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
      {differences.length > 0 && (
        <div class="scroll-x table">
          <table class="trace-list calls">
            <thead>
              <tr>
                <th scope="col">Users who had</th>
                <th scope="col">Went on</th>
                <th scope="col">Of the others</th>
                <th scope="col">Difference, 95 %</th>
                <th scope="col">By chance</th>
                <th scope="col">Some who left</th>
                <th scope="col">Traces</th>
              </tr>
            </thead>
            <tbody>
              {differences.map((one) => (
                <Difference key={`${one.moment} ${one.text}`} one={one} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {ofOne.length > 0 && (
        <details>
          <summary>Which of them may come from another one</summary>
          {ofOne.map((sentence) => (
            <p key={sentence}>{sentence}</p>
          ))}
        </details>
      )}
      <p class="muted">
        {counted(answer.tried, "value")} tried; where nothing differs, something is shown in at most {percent(answer.false_discoveries)} of such comparisons.
        {not_compared.length > 0 && ` Not compared: ${not_compared.join(", ")}.`}
      </p>
    </>
  );
}

function Difference({ one }: { one: AutopsyDifference }) {
  const { having, others, users = [], trace_ids = [] } = one;
  return (
    <tr>
      <th scope="row">
        <bdi>{one.text}</bdi>
      </th>
      <td>
        {percent(having.share)} of {counted(having.users, "user")}
      </td>
      <td>
        {percent(others.share)} of {counted(others.users, "user")}
      </td>
      <td>
        {points(one.difference)} points ({points(one.low)} to {points(one.high)})
      </td>
      <td>{chanceInWords(one.corrected_p)}</td>
      <td>
        {users.map((id) => (
          <span key={id}>
            <UserLink id={id} />{" "}
          </span>
        ))}
      </td>
      <td>
        {trace_ids.map((id) => (
          <span key={id}>
            <TraceLink id={id} jaeger="" />{" "}
          </span>
        ))}
      </td>
    </tr>
  );
}

function points(difference: number): string {
  const number = Math.round(difference * 100);
  return `${number > 0 ? "+" : number < 0 ? "−" : ""}${Math.abs(number)}`;
}
