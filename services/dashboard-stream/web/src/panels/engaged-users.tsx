/** The users with the lowest or the highest scores, and of what each is made; each leads to what the user did. */
import { useState } from "preact/hooks";
import { fetchEngagedUsers } from "../live/product.ts";
import { useAsked } from "../live/use-asked.ts";
import type { EngagementAnswer, EngagementPart } from "../model/contracts.ts";
import { engagedQuestion, engagedUsersLink, type EngagementQuestion, PARTS, score } from "../model/engagement.ts";
import { capital, dayAndTime, decimal, NONE, whole } from "../model/format.ts";
import { Choice } from "./choice.tsx";
import { Counting } from "./counting.tsx";
import { UserLink } from "./user-link.tsx";
import "./product.css";

const EVERY_MS = 60_000;
const FEW = 10;

export function EngagedUsers({ answer, question }: { answer: EngagementAnswer; question: EngagementQuestion }) {
  const [order, choose] = useState<"lowest" | "highest">("lowest");
  const [found, retry] = useAsked(JSON.stringify([question, order]), EVERY_MS, (signal) => fetchEngagedUsers({ ...engagedQuestion(question, answer, { order }), limit: FEW }, signal));
  return (
    <section class="panel" aria-label="Some users">
      <h2>Some users, and why</h2>
      <div class="question-row retention-choices">
        <Choice title="First" value={order} values={["lowest", "highest"]} words={(one) => `the ${one} scores`} set={(one) => choose(one as typeof order)} />
      </div>
      <Counting asked={found} retry={retry}>
        {({ users, total }) => (
          <>
            <div class="scroll-x table" tabIndex={0} role="region" aria-label="Scores of users">
              <table>
                <thead>
                  <tr>
                    {["User", "Score", ...PARTS.map(capital), "Last event", "Active days", "Events", "Ratings", "Mean rating"].map((title) => (
                      <th scope="col" key={title}>
                        {title}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {users.map((user) => (
                    <tr key={user.user_id}>
                      <th scope="row">
                        <UserLink id={user.user_id} />
                      </th>
                      <td>{decimal(user.score, 0, 2)}</td>
                      {PARTS.map((part) => (
                        <td key={part}>
                          <Points part={user[part]} />
                        </td>
                      ))}
                      <td>{dayAndTime(user.last_ms)}</td>
                      <td>{whole(user.active_days)}</td>
                      <td>{whole(user.events)}</td>
                      <td>{whole(user.ratings)}</td>
                      <td>{typeof user.mean_rating === "number" ? decimal(user.mean_rating, 0, 2) : NONE}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            <p class="muted">
              Points of each part, which add up to the score; beside them the part itself, from 0 to 100. Who rated nothing has no satisfaction, and the other parts count more.{" "}
              {total > users.length && <a href={engagedUsersLink(question, answer, { order })}>All {whole(total)} users</a>}
            </p>
          </>
        )}
      </Counting>
    </section>
  );
}

function Points({ part }: { part: EngagementPart | null | undefined }) {
  if (!part) return <>{NONE}</>;
  return (
    <>
      {decimal(part.points, 0, 1)} <small class="muted">{score(part.value)}</small>
    </>
  );
}
