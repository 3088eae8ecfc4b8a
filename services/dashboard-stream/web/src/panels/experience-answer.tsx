/** What users did by how much they met: a bar for each range with its interval, and the same among users who are alike. */
import type { DoseBin, DoseResponseAnswer } from "../model/contracts.ts";
import { type Chosen, dose, type ExperienceQuestion, experienceUsersLink, outcomeInWords, rangeInWords, response, wholeOf } from "../model/experience.ts";
import { counted, whole } from "../model/format.ts";
import { chanceInWords } from "../model/funnels.ts";
import "./product.css";

interface Props {
  answer: DoseResponseAnswer;
  question: ExperienceQuestion;
}

export function ExperienceBars({ answer, question }: Props) {
  const { bins, without_dose = null } = answer;
  return (
    <ol class="funnel doses" aria-label="Ranges">
      {bins.map((bin) => (
        <Bar key={rangeInWords(bin)} answer={answer} question={question} name={rangeInWords(bin)} bin={bin} chosen={{ bin }} />
      ))}
      {without_dose && <Bar answer={answer} question={question} name="met none" bin={without_dose} chosen={{ bin: null }} />}
    </ol>
  );
}

function Bar({ answer, question, name, bin, chosen }: Props & { name: string; bin: DoseBin; chosen: Chosen }) {
  const { outcome } = question;
  const { users, value, low = null, high = null, mean_dose = null, with_outcome = null, few = false } = bin;
  const all = wholeOf(answer, outcome);
  const share = (part: number) => `${(part / all) * 100}%`;
  const link = (done?: boolean) => experienceUsersLink(question, answer, done === undefined ? chosen : { ...chosen, with_outcome: done });
  return (
    <li>
      <span class="name">
        <b>{name}</b>
        {mean_dose !== null && <span class="muted">, mean {dose(mean_dose)}</span>}
      </span>
      <a class="users" href={link()}>
        {counted(users, "user")}
      </a>
      <span class="track" aria-hidden="true">
        <span style={{ width: share(value) }} />
        {low !== null && high !== null && <i style={{ insetInlineStart: share(low), width: share(high - low) }} />}
      </span>
      <small>
        {response(value, outcome)} {with_outcome === null ? "active days" : outcomeInWords(outcome ?? {}, true)}
        {low !== null && high !== null && ` (95 %: ${response(low, outcome)} to ${response(high, outcome)})`}
        {with_outcome !== null && (
          <>
            : <Count users={with_outcome} link={link(true)} words="did" />, <Count users={users - with_outcome} link={link(false)} words="did not" />
          </>
        )}
        {few && <span class="warn"> few users</span>}
      </small>
    </li>
  );
}

function Count({ users, link, words }: { users: number; link: string; words: string }) {
  return users ? (
    <a href={link}>
      {whole(users)} {words}
    </a>
  ) : (
    <span>
      {whole(0)} {words}
    </span>
  );
}

/** The ranges within the values of what else tells users apart. */
export function ExperienceConfounders({ answer, question }: Props) {
  const { bins, confounders = [] } = answer;
  return (
    <div class="scroll-x table" tabIndex={0} role="region" aria-label="Among users who are alike">
      <table>
        <thead>
          <tr>
            <th scope="col">Users of</th>
            <th scope="col">Users</th>
            {bins.map((bin) => (
              <th scope="col" key={rangeInWords(bin)}>
                {rangeInWords(bin)}
              </th>
            ))}
            <th scope="col">Trend by chance</th>
          </tr>
        </thead>
        {confounders.map(({ name, strata, trend }) => (
          <tbody key={name}>
            {strata.map((stratum, place) => (
              <tr key={place}>
                <th scope="row">
                  <bdi>
                    {name} {stratum.other ? "of all others" : (stratum.value ?? "unknown")}
                  </bdi>
                </th>
                <td>{whole(stratum.users)}</td>
                {stratum.bins.map(({ users, value }, at) => (
                  <td key={at}>
                    {response(value, question.outcome)} <small class="muted">of {whole(users)}</small>
                  </td>
                ))}
                <td>{stratum.trend ? chanceInWords(stratum.trend.p) : "no trend to test"}</td>
              </tr>
            ))}
            {strata.length > 1 && (
              <tr>
                <th scope="row" colSpan={2 + bins.length}>
                  <b>
                    Within each <bdi>{name}</bdi>, all together
                  </b>
                </th>
                <td>{trend ? chanceInWords(trend.p) : "no trend to test"}</td>
              </tr>
            )}
          </tbody>
        ))}
      </table>
    </div>
  );
}
