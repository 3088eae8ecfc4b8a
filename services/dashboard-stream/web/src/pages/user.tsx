/** The page of one user: who they are, on which days they did something, and what, session by session. */
import type { Asked } from "../model/asked.ts";
import type { EventNames, PersonAnswer, TimelineAnswer } from "../model/contracts.ts";
import { linkTo } from "../model/explorer-choice.ts";
import { TRACES_PATH } from "../model/explorer.ts";
import { counted, dayAndTime, NONE, whole } from "../model/format.ts";
import { USERS_PATH } from "../model/product.ts";
import { barsOf, groupsOf, KINDS, type UserChoice } from "../model/timeline.ts";
import { ActivityStrip } from "../panels/activity-strip.tsx";
import { AskedAnswer } from "../panels/asked-answer.tsx";
import { type Fact, FactList } from "../panels/fact-list.tsx";
import { TimelineGroup } from "../panels/timeline-entries.tsx";
import { When } from "../panels/when.tsx";
import "../panels/product.css";
import "../panels/timeline.css";

/** Other ids that are listed without being asked for. */
const FEW_IDS = 5;

interface Props {
  person: Asked<PersonAnswer>;
  timeline: Asked<TimelineAnswer>;
  pages: readonly TimelineAnswer[];
  more: (() => void) | null;
  /** Goes back to the newest page, where further ones stand behind an older one. */
  newest: (() => void) | null;
  why: string;
  names: EventNames | null;
  choice: UserChoice;
  show: (changed: Partial<UserChoice>) => void;
  retryPerson: () => void;
  retry: () => void;
  now: number;
}

export function UserPage({ person, timeline, pages, more, newest, why, names, choice, show, retryPerson, retry, now }: Props) {
  return (
    <div class="traces user-page">
      <p>
        <a href={USERS_PATH}>All users</a>
      </p>
      <h1>
        <bdi>{choice.user}</bdi>
      </h1>
      <AskedAnswer asked={person} retry={retryPerson}>
        {(found) => <Head person={found} choice={choice} show={show} now={now} />}
      </AskedAnswer>
      <Filters choice={choice} show={show} names={names} />
      <section class="panel" aria-label="Timeline">
        <h2>
          What they did{" "}
          {choice.day && (
            <small>
              up to the end of {choice.day} (UTC){" "}
              <button type="button" class="link" onClick={() => show({ day: "" })}>
                up to now
              </button>
            </small>
          )}
        </h2>
        {newest && (
          <p class="muted">
            What came since then is not among these.{" "}
            <button type="button" class="link" onClick={newest}>
              Show the newest
            </button>
          </p>
        )}
        <AskedAnswer asked={timeline} retry={retry}>
          {() => <Entries pages={pages} more={more} why={why} choice={choice} show={show} />}
        </AskedAnswer>
      </section>
    </div>
  );
}

function Head({ person, choice, show, now }: { person: PersonAnswer; choice: UserChoice; show: Props["show"]; now: number }) {
  const others = person.ids.filter((id) => id !== choice.user);
  const { requests, failed_requests: failed = 0 } = person;
  const facts: Fact[] = [
    ["First event", person.first_ms ? dayAndTime(person.first_ms) : NONE],
    ["Last event", person.last_ms ? <When at={person.last_ms} now={now} /> : NONE],
    ["Events", whole(person.events ?? 0)],
    ["Sessions", whole(person.sessions ?? 0)],
    ["Requests", typeof requests === "number" ? whole(requests) : "too many to count"],
    ["Failed requests", typeof requests === "number" ? <span class={failed ? "bad" : ""}>{whole(failed ?? 0)}</span> : NONE],
  ];
  return (
    <section class="panel" aria-label="Who it is">
      <FactList facts={facts} />
      <ActivityStrip bars={barsOf(person, now)} chosen={choice.day} choose={(day) => show({ day })} />
      {others.length > 0 && <Ids ids={others} count={person.id_count - 1} main={person.person_id} />}
      <p>
        <a href={linkTo(TRACES_PATH, { user: choice.user, range: "7d" })}>Traces of this user</a>
      </p>
    </section>
  );
}

function Ids({ ids, count, main }: { ids: readonly string[]; count: number; main: string }) {
  const list = (some: readonly string[]) => (
    <ul class="user-ids">
      {some.map((id) => (
        <li key={id}>
          <bdi>{id}</bdi>
          {id === main && <small class="muted"> by which this person is counted</small>}
        </li>
      ))}
    </ul>
  );
  return (
    <>
      <p class="muted">The same person as {counted(count, "other id")}:</p>
      {list(ids.slice(0, FEW_IDS))}
      {ids.length > FEW_IDS && (
        <details>
          <summary>{counted(count - FEW_IDS, "more id")}</summary>
          {list(ids.slice(FEW_IDS))}
        </details>
      )}
    </>
  );
}

function Filters({ choice, show, names }: Pick<Props, "choice" | "show" | "names">) {
  const types = [...new Set([...(names?.event_types ?? []), ...(choice.type ? [choice.type] : [])])].sort();
  return (
    <form class="panel trace-conditions" aria-label="Conditions" onSubmit={(event) => event.preventDefault()}>
      <div class="segments" role="group" aria-label="Kinds">
        {([["", "All"], ...KINDS] as const).map(([kind, title]) => (
          <button type="button" key={kind} aria-pressed={!choice.type && choice.kind === kind} onClick={() => show({ kind, type: "" })}>
            {title}
          </button>
        ))}
      </div>
      <label>
        Event type
        <select value={choice.type} onChange={(event) => show({ type: event.currentTarget.value, kind: "" })}>
          <option value="">any</option>
          {types.map((type) => (
            <option key={type} value={type}>
              {type}
            </option>
          ))}
        </select>
      </label>
    </form>
  );
}

function Entries({ pages, more, why, choice, show }: Pick<Props, "pages" | "more" | "why" | "choice" | "show">) {
  const groups = groupsOf(pages);
  const traces = new Map(pages.flatMap((page) => page.traces ?? []).map((one) => [one.trace_id, one]));
  const person = pages[0]?.person_id ?? choice.user;
  const searched = pages.at(-1)?.searched_from;
  return (
    <div class="timeline">
      {groups.length === 0 && !more && (
        <div class="empty">
          <p>Nothing of this is stored.</p>
          {(choice.kind || choice.type || choice.day) && (
            <button type="button" onClick={() => show({ kind: "", type: "", day: "" })}>
              Show everything
            </button>
          )}
        </div>
      )}
      {groups.map((group) => (
        <TimelineGroup key={`${group.session?.start_ms ?? ""} ${group.entries[0]?.id}`} group={group} traces={traces} person={person} />
      ))}
      {why && <p class="bad">{why}</p>}
      {typeof searched === "number" && <p class="muted">Looked through back to {dayAndTime(searched)}.</p>}
      {more && (
        <button type="button" class="more" onClick={more}>
          Load earlier
        </button>
      )}
    </div>
  );
}
