/** Sessions as numbers, over time, by a property, and by where they began and ended; every number leads to its users. */
import type { SessionPage, SessionsAnswer } from "../model/contracts.ts";
import { dateIn, NONE, whole } from "../model/format.ts";
import { took } from "../model/product.ts";
import { type Chosen, depth, rate, type SessionsQuestion, sessionsUsersLink } from "../model/sessions.ts";
import type { Row } from "../model/table-rows.ts";
import { type Fact, FactList } from "./fact-list.tsx";
import { SortableTable } from "./sortable-table.tsx";
import "./product.css";

interface Props {
  answer: SessionsAnswer;
  question: SessionsQuestion;
}

export function SessionFacts({ answer, question }: Props) {
  const { sessions, users, bounce_rate, duration_ms, depth: events } = answer;
  const link = (chosen?: Chosen) => sessionsUsersLink(question, answer, chosen);
  const facts: Fact[] = [
    ["Sessions", sessions ? <a href={link()}>{whole(sessions)}</a> : whole(0)],
    ["Users", users ? <a href={link()}>{whole(users)}</a> : whole(0)],
    ["Bounce rate", bounce_rate ? <a href={link({ bounced: true })}>{rate(bounce_rate)}</a> : rate(bounce_rate)],
    ["Duration, mean", duration_ms ? took(duration_ms.mean) : NONE],
    ["half within", duration_ms ? took(duration_ms.p50) : NONE],
    ["90 % within", duration_ms ? took(duration_ms.p90) : NONE],
    ["Events, mean", depth(events?.mean)],
    ["half up to", depth(events?.p50)],
    ["90 % up to", depth(events?.p90)],
  ];
  return <FactList facts={facts} />;
}

export function SessionSeries({ answer, question }: Props) {
  const { series = [] } = answer;
  const { tz = "UTC", interval = "day" } = question;
  const date = (at: number) => dateIn(at, tz, interval === "month" ? { month: "long", year: "numeric" } : { weekday: "short", day: "numeric", month: "short" });
  const most = Math.max(1, ...series.map(({ sessions }) => sessions));
  const shown = series.slice(series.findIndex(({ sessions }) => sessions > 0));
  return (
    <div class="scroll-x table" tabIndex={0} role="region" aria-label="Periods">
      <table>
        <thead>
          <tr>
            {[interval === "week" ? "Week of" : interval === "month" ? "Month" : "Day", "Sessions", "Users", "Bounce rate", "Duration, mean", "Events, mean"].map((title) => (
              <th scope="col" key={title}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((period) => {
            const { start, sessions, users, bounce_rate, mean_duration_ms, mean_depth } = period;
            const linked = (chosen: Chosen, number: number, said: string) => (number ? <a href={sessionsUsersLink(question, answer, { ...chosen, period })}>{said}</a> : said);
            return (
              <tr key={start}>
                <th scope="row">
                  <span class="bar" style={{ width: `${(sessions / most) * 100}%` }} />
                  {date(start)}
                </th>
                <td>{linked({}, sessions, whole(sessions))}</td>
                <td>{linked({}, users, whole(users))}</td>
                <td>{linked({ bounced: true }, bounce_rate ?? 0, rate(bounce_rate))}</td>
                <td>{typeof mean_duration_ms === "number" ? took(mean_duration_ms) : NONE}</td>
                <td>{depth(mean_depth)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

export function SessionGroups({ answer, question }: Props) {
  const { groups = [] } = answer;
  const rows = groups.map(({ value, sessions, users, bounce_rate, duration_ms, depth: events, other }, place): Row => {
    return { value: String(place), text: other ? "all others" : (value ?? "unknown"), numbers: [sessions, users ?? null, bounce_rate ?? null, duration_ms?.mean ?? null, duration_ms?.p50 ?? null, events?.mean ?? null] };
  });
  const words = [whole, whole, rate, took, took, depth];
  return (
    <div class="scroll-x table">
      <SortableTable
        title="groups"
        head={question.breakdown ?? ""}
        columns={["Sessions", "Users", "Bounce rate", "Duration, mean", "Half within", "Events, mean"]}
        rows={rows}
        text={({ text }) => <bdi>{text}</bdi>}
        cell={({ value, numbers }, column) => {
          const number = numbers[column] ?? null;
          const group = groups[Number(value)];
          if (number === null || !group) return NONE;
          const said = (words[column] ?? whole)(number);
          if (group.other || column > 2 || !number) return said;
          return <a href={sessionsUsersLink(question, answer, { value: group.value, ...(column === 2 ? { bounced: true } : {}) })}>{said}</a>;
        }}
        empty={<p class="empty">No session.</p>}
      />
    </div>
  );
}

/** Where sessions began, or ended. Whose sessions have none cannot be asked for. */
export function SessionPages({ answer, question, end }: Props & { end: "entry" | "exit" }) {
  const pages: SessionPage[] = (end === "entry" ? answer.entries : answer.exits) ?? [];
  const rows = pages.map(({ value, sessions, other }, place): Row => ({ value: String(place), text: other ? "all others" : (value ?? "unknown"), numbers: [sessions, answer.sessions ? sessions / answer.sessions : null] }));
  return (
    <div class="scroll-x table">
      <SortableTable
        title={end === "entry" ? "entries" : "exits"}
        head={question.page ?? ""}
        columns={["Sessions", "Of all"]}
        rows={rows}
        text={({ text }) => <bdi>{text}</bdi>}
        cell={({ value, numbers }, column) => {
          const number = numbers[column] ?? null;
          const page = pages[Number(value)];
          if (number === null || !page) return NONE;
          if (column === 1) return rate(number);
          return page.other || page.value === null ? whole(number) : <a href={sessionsUsersLink(question, answer, { [end]: page.value })}>{whole(number)}</a>;
        }}
        empty={<p class="empty">No session.</p>}
      />
    </div>
  );
}
