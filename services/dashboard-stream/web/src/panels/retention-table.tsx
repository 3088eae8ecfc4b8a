/** Retention as a heat map: a row for each cohort and a column for each period after its own; every cell leads to its users. */
import type { CSSProperties } from "preact";
import { useState } from "preact/hooks";
import type { RetentionAnswer } from "../model/contracts.ts";
import { percent } from "../model/explorer-choice.ts";
import { counted, NONE, whole } from "../model/format.ts";
import { type Chosen, columnInWords, type Outcome, periodInWords, type RetentionCell, type RetentionQuestion, rowsOf } from "../model/retention.ts";
import { Choice } from "./choice.tsx";
import "./product.css";

interface Props {
  answer: RetentionAnswer;
  question: RetentionQuestion;
  /** Where a cell leads; empty: nowhere. */
  linkOf: (chosen: Chosen) => string;
}

export function RetentionTable({ answer, question, linkOf }: Props) {
  const [outcome, setOutcome] = useState<Outcome>("retained");
  const [chosen, choose] = useState(-1);
  const { columns, interval, groups = [] } = answer;
  const { tz = "UTC", breakdown = "" } = question;
  const group = groups[chosen];
  const rows = rowsOf(group ?? answer, columns.length, outcome);
  const words = columns.map((column) => columnInWords(column, interval));
  const valueOf = (place: number) => (groups[place]?.other ? "all others" : (groups[place]?.value ?? "unknown"));
  // Who is in a cohort has met its own period: so it is known whom all of it are.
  const ownPeriod = columns[0]?.first === 0;
  const link = (cohort: number, cell: number, of: Outcome) => (group?.other ? "" : linkOf({ cohort, cell, outcome: of, ...(group ? { value: group.value } : {}) }));
  return (
    <>
      <div class="question-row retention-choices">
        <Choice title="Show" value={outcome} values={["retained", "lost"]} words={(one) => (one === "retained" ? "who came back" : "who did not")} set={(one) => setOutcome(one as Outcome)} />
        {groups.length > 0 && <Choice title={`Of ${breakdown}`} value={String(chosen)} values={["-1", ...groups.map((_, place) => String(place))]} words={(one) => (one === "-1" ? "all together" : valueOf(Number(one)))} set={(one) => choose(Number(one))} />}
      </div>
      <div class="scroll-x" tabIndex={0} role="region" aria-label="Cohorts">
        <table class="retention">
          <thead>
            <tr>
              <th scope="col">{interval === "week" ? "Week of" : interval === "day" ? "Day" : "Month"}</th>
              <th scope="col">Users</th>
              {words.map((word) => (
                <th scope="col" key={word}>
                  {word}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ from, size, cells }) => (
              <tr key={from} class={from ? "" : "total"}>
                <th scope="row">{from ? periodInWords(from, interval, tz) : "All"}</th>
                <td>{size !== null && (ownPeriod && size ? <a href={link(from, 0, "retained") || undefined}>{whole(size)}</a> : <span>{whole(size)}</span>)}</td>
                {cells.map((cell, place) => (
                  <Cell key={place} cell={cell} href={from && cell ? link(from, place, outcome) : ""} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="muted">
        Striped cells are of periods that are not over: their numbers still grow. <b>All</b> adds up, for each column, the cohorts for which it is over.
      </p>
    </>
  );
}

function Cell({ cell, href }: { cell: RetentionCell | null; href: string }) {
  if (!cell) return <td />;
  const { users, share, complete } = cell;
  const text = share === null ? NONE : percent(share);
  return (
    <td class={complete ? "cell" : "cell growing"} style={{ "--share": share ?? 0 } as CSSProperties} title={`${counted(users, "user")}${complete ? "" : ", not over yet"}`}>
      {href ? <a href={href}>{text}</a> : <span>{text}</span>}
      {!complete && <span class="spoken">, not over yet</span>}
    </td>
  );
}

/** All cohorts of each value of the break-down together, side by side. */
export function RetentionGroups({ answer, breakdown }: { answer: RetentionAnswer; breakdown: string }) {
  const { groups = [], columns, interval } = answer;
  return (
    <div class="scroll-x" tabIndex={0} role="region" aria-label={`By ${breakdown}`}>
      <table class="retention">
        <thead>
          <tr>
            <th scope="col">
              <bdi>{breakdown}</bdi>
            </th>
            <th scope="col">Users</th>
            {columns.map((column) => (
              <th scope="col" key={column.first}>
                {columnInWords(column, interval)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {groups.map(({ value, size, total, other }) => (
            <tr key={other ? "" : `=${value}`}>
              <th scope="row">
                <bdi>{other ? "all others" : (value ?? "unknown")}</bdi>
              </th>
              <td>
                <span>{whole(size)}</span>
              </td>
              {columns.map((_, place) => {
                const [of, users] = [total.sizes[place] ?? 0, total.users[place] ?? 0];
                return <Cell key={place} cell={of ? { users, share: users / of, complete: true } : null} href="" />;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
