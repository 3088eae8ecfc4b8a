/** How engaged users are: in numbers, by parts, by tens, over time and by a property; every count leads to its users. */
import type { EngagementAnswer } from "../model/contracts.ts";
import { type Chosen, engagedUsersLink, type EngagementQuestion, FIRST_INTERVAL, PARTS, periodsOf, score } from "../model/engagement.ts";
import { capital, NONE, whole } from "../model/format.ts";
import { periodInWords } from "../model/retention.ts";
import type { Row } from "../model/table-rows.ts";
import { type Fact, FactList } from "./fact-list.tsx";
import { SortableTable } from "./sortable-table.tsx";
import "./product.css";

interface Props {
  answer: EngagementAnswer;
  question: EngagementQuestion;
}

export function EngagementFacts({ answer }: Props) {
  const { mean, p10, p50, p90, rated, users } = answer;
  const facts: Fact[] = [
    ["Mean", score(mean)],
    ["A tenth up to", score(p10)],
    ["Half up to", score(p50)],
    ["90 % up to", score(p90)],
    ["Rated something", `${whole(rated)} of ${whole(users)}`],
  ];
  return <FactList facts={facts} />;
}

export function EngagementDistribution({ answer, question }: Props) {
  const { distribution = [], users } = answer;
  const most = Math.max(1, ...distribution.map((bin) => bin.users));
  return (
    <div class="scroll-x table" tabIndex={0} role="region" aria-label="Users by score">
      <table>
        <thead>
          <tr>
            <th scope="col">Score</th>
            <th scope="col">Users</th>
            <th scope="col">Of all</th>
          </tr>
        </thead>
        <tbody>
          {distribution.map(({ from_score, to_score, users: count }) => (
            <tr key={from_score}>
              <th scope="row">
                <span class="bar" style={{ width: `${(count / most) * 100}%` }} />
                {from_score} to {to_score}
              </th>
              <td>{linked({ answer, question }, { from_score, to_score }, count)}</td>
              <td>{users ? `${whole((count / users) * 100)} %` : NONE}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function EngagementSeries({ answer, question }: Props) {
  const { interval = FIRST_INTERVAL, tz } = question;
  return (
    <div class="scroll-x table" tabIndex={0} role="region" aria-label="Periods">
      <table>
        <thead>
          <tr>
            {[interval === "week" ? "Week of" : interval === "month" ? "Month" : "Day", "Mean", ...PARTS.map(capital), "Users", "Rated"].map((title) => (
              <th scope="col" key={title}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {periodsOf(answer).map((point) => (
            <tr key={point.start}>
              <th scope="row">
                <span class="bar" style={{ width: `${point.mean ?? 0}%` }} />
                {periodInWords(point.start, interval, tz)}
              </th>
              <td>{score(point.mean)}</td>
              {PARTS.map((part) => (
                <td key={part}>{score(point.parts?.[part])}</td>
              ))}
              <td>{linked({ answer, question }, { point }, point.users)}</td>
              <td>{whole(point.rated)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function EngagementGroups({ answer, question }: Props) {
  const { groups = [] } = answer;
  const rows = groups.map(({ value, other, mean, p50, parts, users, rated }, place): Row => {
    return { value: String(place), text: other ? "all others" : (value ?? "unknown"), numbers: [mean ?? null, p50 ?? null, ...PARTS.map((part) => parts?.[part] ?? null), users, rated] };
  });
  const columns = ["Mean", "Half up to", ...PARTS.map(capital), "Users", "Rated"];
  const ofUsers = columns.indexOf("Users");
  return (
    <div class="scroll-x table">
      <SortableTable
        title="groups"
        head={question.breakdown ?? ""}
        columns={columns}
        rows={rows}
        text={({ text }) => <bdi>{text}</bdi>}
        cell={({ value, numbers }, column) => {
          const number = numbers[column] ?? null;
          const group = groups[Number(value)];
          if (number === null || !group) return NONE;
          if (column < ofUsers) return score(number);
          return column > ofUsers || group.other ? whole(number) : linked({ answer, question }, { value: group.value }, number);
        }}
        empty={<p class="empty">Nobody.</p>}
      />
    </div>
  );
}

function linked({ answer, question }: Props, chosen: Chosen, users: number) {
  return users ? <a href={engagedUsersLink(question, answer, chosen)}>{whole(users)}</a> : whole(0);
}
