/** The bars of a funnel: who got to each step, and who did not; every number leads to its users. */
import type { ConversionTimes, FunnelAnswer } from "../model/contracts.ts";
import { percent } from "../model/explorer-choice.ts";
import { counted, NONE, whole } from "../model/format.ts";
import { barsOf, type Chosen, type FunnelQuestion, resultInWords } from "../model/funnels.ts";
import { took } from "../model/product.ts";
import type { Row } from "../model/table-rows.ts";
import { SortableTable } from "./sortable-table.tsx";
import "./product.css";

/** Where a number leads; empty: nowhere. */
type LinkOf = (chosen: Chosen) => string;

/** All of an answer, as a panel shows it. */
export function FunnelNumbers({ answer, funnel, linkOf }: { answer: FunnelAnswer; funnel: FunnelQuestion; linkOf: LinkOf }) {
  return (
    <>
      <p>{resultInWords(answer)}</p>
      <FunnelBars answer={answer} funnel={funnel} linkOf={linkOf} />
      <MetExclusion answer={answer} />
      {answer.times && <Times times={answer.times} />}
      {funnel.breakdown && <FunnelGroups answer={answer} breakdown={funnel.breakdown} linkOf={linkOf} />}
    </>
  );
}

export function FunnelBars({ answer, funnel, linkOf }: { answer: FunnelAnswer; funnel: FunnelQuestion; linkOf: LinkOf }) {
  return (
    <ol class="funnel" aria-label="Steps">
      {barsOf(answer, funnel).map(({ step, title, users, ofFirst, ofPrevious, dropped }) => (
        <li key={step}>
          <span class="name">
            {step}. <bdi>{title}</bdi>
          </span>
          <a class="users" href={linkOf({ step, outcome: "converted" }) || undefined}>
            {counted(users, answer.unit ?? "user")}
          </a>
          <span class="track" aria-hidden="true">
            <span style={{ width: `${(ofFirst ?? 0) * 100}%` }} />
          </span>
          {step > 1 && (
            <small>
              {ofPrevious === null ? "nobody got to the step before" : `${percent(ofPrevious)} of the step before, ${percent(ofFirst ?? 0)} of the first`}
              {dropped > 0 && (
                <>
                  {" · "}
                  <a href={linkOf({ step, outcome: "dropped" }) || undefined}>{whole(dropped)} dropped</a>
                </>
              )}
            </small>
          )}
        </li>
      ))}
    </ol>
  );
}

export function MetExclusion({ answer: { met_exclusion = 0, unit = "user" } }: { answer: FunnelAnswer }) {
  return met_exclusion > 0 ? <p class="muted">{counted(met_exclusion, unit)} met what must not lie in between, and count in no step.</p> : null;
}

/** From the first step to the last. */
export function Times({ times }: { times: ConversionTimes }) {
  return (
    <p class="muted">
      Time to convert: half within {took(times.p50_ms)}, 90 % within {took(times.p90_ms)}, 99 % within {took(times.p99_ms)}; {took(times.mean_ms)} on average.
    </p>
  );
}

/** The steps of each value of the break-down, side by side. */
export function FunnelGroups({ answer, breakdown, linkOf }: { answer: FunnelAnswer; breakdown: string; linkOf: LinkOf }) {
  const groups = answer.groups ?? [];
  const rows = groups.map(({ value, steps, times, other }, place): Row => {
    const [first, last] = [steps[0]?.users ?? 0, steps.at(-1)?.users ?? 0];
    return {
      value: String(place),
      text: other ? "all others" : (value ?? "unknown"),
      numbers: [...steps.map((step) => step.users), first ? last / first : null, times?.p50_ms ?? null],
    };
  });
  const count = answer.steps.length;
  return (
    <div class="scroll-x table">
      <SortableTable
        title="groups"
        head={breakdown}
        columns={[...answer.steps.map((step, place) => `${place + 1}. ${step.event_type}`), "Converted", "Median time"]}
        rows={rows}
        text={({ text }) => <bdi>{text}</bdi>}
        cell={({ value, numbers }, column) => {
          const number = numbers[column] ?? null;
          const group = groups[Number(value)];
          if (number === null || !group) return NONE;
          if (column === count) return percent(number);
          if (column > count) return took(number);
          const link = group.other ? "" : linkOf({ step: column + 1, outcome: "converted", value: group.value });
          return link ? <a href={link}>{whole(number)}</a> : whole(number);
        }}
        empty={<p class="empty">No user did the first step.</p>}
      />
    </div>
  );
}
