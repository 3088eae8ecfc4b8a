/** The page of cohorts: those that there are, with how many users each has now, and a form for another one. */
import { useState } from "preact/hooks";
import type { Asked, Failure } from "../model/asked.ts";
import { cohortInWords, cohortUsersLink, type Draft, EMPTY_DRAFT, storedOf } from "../model/cohorts.ts";
import type { Cohort, CohortList, EventNames } from "../model/contracts.ts";
import { dayAndTime } from "../model/format.ts";
import { type Body, replacedAt } from "../model/product.ts";
import { AskedAnswer } from "../panels/asked-answer.tsx";
import { CohortForm } from "../panels/cohort-form.tsx";
import { CohortSize } from "../panels/cohort-size.tsx";
import { Refused } from "../panels/counting.tsx";
import "../panels/product.css";

interface Props {
  cohorts: Asked<CohortList>;
  names: Asked<EventNames>;
  retry: () => void;
  /** Stores what is put together; what went wrong is the answer. */
  store: (name: string, body: Body) => Promise<Failure | null>;
  remove: (cohort: Cohort) => Promise<Failure | null>;
}

export function CohortsPage({ cohorts, names, retry, store, remove }: Props) {
  const [draft, setDraft] = useState<Draft>(EMPTY_DRAFT);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [saving, setSaving] = useState(false);
  const ready = storedOf(draft);
  const save = async (event?: Event) => {
    event?.preventDefault();
    if (!ready || saving) return;
    setSaving(true);
    const wrong = await store(ready.name, ready.body);
    setSaving(false);
    setFailure(wrong);
    if (!wrong) setDraft(EMPTY_DRAFT);
  };
  return (
    <div class="traces">
      <h1>Cohorts</h1>
      <div class="asked-by-form">
        <form class="panel" aria-label="New cohort" onSubmit={save}>
          <h2>New cohort</h2>
          <CohortForm draft={draft} set={setDraft} names={names.value} failure={failure} />
          {failure && !failure.key && <Refused failure={failure} retry={() => void save()} replace={(field, name) => replace(field, name)} />}
          <button type="submit" disabled={!ready || saving}>
            Save
          </button>
        </form>
        <div class="answer">
          <AskedAnswer asked={cohorts} retry={retry}>
            {(found) => <List cohorts={found.cohorts} remove={remove} />}
          </AskedAnswer>
        </div>
      </div>
    </div>
  );

  /** Puts a name where the draft has one that is not known: the parts of a draft are those of the condition. */
  function replace(field: string, name: string) {
    const [, , at = "", ...rest] = field.split(".");
    const place = rest.filter((one) => one !== "did" && one !== "not" && one !== "metric");
    const below = place[0] === "property" ? place : ["events", ...place];
    setDraft(replacedAt({ ...draft }, ["parts", at, ...below].join("."), name) as unknown as Draft);
    setFailure(null);
  }
}

/** Of so many the size is asked for at once. */
const COUNTED = 12;

function List({ cohorts, remove }: { cohorts: readonly Cohort[]; remove: Props["remove"] }) {
  if (cohorts.length === 0) return <p class="panel empty">A cohort is a saved set of users: those who did something, say, in the last weeks. Questions about users are narrowed to one. There is none yet.</p>;
  return (
    <section class="panel" aria-label="All cohorts">
      <ul class="cohorts">
        {cohorts.map((cohort, place) => (
          <li key={cohort.name}>
            <header>
              <h2>
                <a href={cohortUsersLink(cohort.name)}>
                  <bdi>{cohort.title || cohort.name}</bdi>
                </a>
              </h2>
              <CohortSize name={cohort.name} revision={cohort.revision} atOnce={place < COUNTED} />
              <Remove cohort={cohort} remove={remove} />
            </header>
            <p>{cohortInWords(cohort)}</p>
            {cohort.description && <p dir="auto">{cohort.description}</p>}
            <p class="muted">
              <code>{cohort.name}</code> · {cohort.kind} · changed {dayAndTime(cohort.changed_ms)}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Remove({ cohort, remove }: { cohort: Cohort; remove: Props["remove"] }) {
  const [sure, setSure] = useState(false);
  const [why, setWhy] = useState("");
  if (!sure) {
    return (
      <button type="button" aria-label={`Delete ${cohort.title || cohort.name}`} onClick={() => setSure(true)}>
        Delete
      </button>
    );
  }
  return (
    <span role="group" aria-label="Delete it for good?">
      {why && <span class="fault">{why} </span>}
      <button type="button" class="danger" onClick={() => void remove(cohort).then((failure) => setWhy(failure?.why ?? ""))}>
        Delete for good
      </button>{" "}
      <button type="button" onClick={() => setSure(false)}>
        Keep
      </button>
    </span>
  );
}
