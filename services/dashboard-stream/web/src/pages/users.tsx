/** The page of users: those behind a number, those whose ids begin with something, or those who were active last. */
import type { Asked } from "../model/asked.ts";
import type { KnownUsers, UserList } from "../model/contracts.ts";
import { counted, whole } from "../model/format.ts";
import type { UsersChoice } from "../model/product.ts";
import { windowInWords } from "../model/time-range.ts";
import { listInWords, rangeOf } from "../model/users.ts";
import { AskedAnswer } from "../panels/asked-answer.tsx";
import { Counting } from "../panels/counting.tsx";
import { download } from "../panels/download.ts";
import { HowToIdentify } from "../panels/how-to-identify.tsx";
import { UserLink } from "../panels/user-link.tsx";
import { useEffect, useState } from "preact/hooks";
import "../panels/product.css";

interface Props {
  known: Asked<KnownUsers>;
  list: Asked<UserList>;
  choice: UsersChoice;
  show: (changed: Partial<UsersChoice>) => void;
  retry: () => void;
  /** Asks for more of the list; `null`: all of it is there, or as much as there can be. */
  more: (() => void) | null;
  now: number;
}

export function UsersPage({ known, list, choice, show, retry, more, now }: Props) {
  return (
    <div class="traces">
      <h1>Users</h1>
      <Search prefix={choice.prefix} show={show} />
      {choice.question ? (
        <Counting asked={list} retry={retry}>
          {(found) => <Behind list={found} choice={choice} more={more} now={now} />}
        </Counting>
      ) : (
        <AskedAnswer asked={known} retry={retry}>
          {(found) => <Known known={found} prefix={choice.prefix} more={more} />}
        </AskedAnswer>
      )}
    </div>
  );
}

function Search({ prefix, show }: { prefix: string; show: Props["show"] }) {
  const [typed, setTyped] = useState(prefix);
  useEffect(() => setTyped(prefix), [prefix]);
  const submit = (event: Event) => {
    event.preventDefault();
    show({ prefix: typed.trim(), of: "", question: null });
  };
  return (
    <form class="panel trace-conditions" role="search" onSubmit={submit}>
      <label>
        Id begins with
        <input type="search" size={28} value={typed} maxLength={256} onInput={(event) => setTyped(event.currentTarget.value)} />
      </label>
      <button type="submit">Search</button>
    </form>
  );
}

function Known({ known, prefix, more }: { known: KnownUsers; prefix: string; more: Props["more"] }) {
  const { users } = known;
  if (!users.length) {
    return (
      <div class="panel empty">
        {prefix ? (
          <p>
            No user has an id that begins with <bdi>{prefix}</bdi>. Upper and lower case are different.
          </p>
        ) : (
          <>
            <p>No event of a user was received yet.</p>
            <HowToIdentify />
          </>
        )}
      </div>
    );
  }
  return (
    <section class="panel" aria-label="Users found">
      <h2>{prefix ? <span>Users whose ids begin with {prefix}</span> : "Active last"}</h2>
      <table class="trace-list calls">
        <thead>
          <tr>
            <th scope="col">User</th>
            <th scope="col">Last day with events (UTC)</th>
          </tr>
        </thead>
        <tbody>
          {users.map(({ user_id, last_day, matched }) => (
            <tr key={user_id}>
              <th scope="row">
                <UserLink id={user_id} />
                {matched && (
                  <small class="muted">
                    {" "}
                    also <bdi>{matched}</bdi>
                  </small>
                )}
              </th>
              <td>{last_day}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {more && <More more={more} />}
    </section>
  );
}

function Behind({ list, choice, more, now }: { list: UserList; choice: UsersChoice; more: Props["more"]; now: number }) {
  const question = choice.question ?? {};
  const range = rangeOf(question);
  return (
    <section class="panel" aria-label="Users found">
      <h2>
        <span>
          {counted(list.total, "user")} {listInWords(choice.of, question)}
        </span>
        {range && <small>{windowInWords(range, now)}</small>}
      </h2>
      {list.users.length === 0 ? (
        <p class="empty">Nobody.</p>
      ) : (
        <>
          <ul class="user-ids">
            {list.users.map((id) => (
              <li key={id}>
                <UserLink id={id} />
              </li>
            ))}
          </ul>
          <p class="muted">
            {list.users.length < list.total && `${whole(list.users.length)} of them are listed. `}
            <button type="button" class="link" onClick={() => download("users.txt", `${list.users.join("\n")}\n`)}>
              Download these ids
            </button>
          </p>
          {more && <More more={more} />}
        </>
      )}
    </section>
  );
}

function More({ more }: { more: () => void }) {
  return (
    <button type="button" class="more" onClick={more}>
      Show more
    </button>
  );
}
