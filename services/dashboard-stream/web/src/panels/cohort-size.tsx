/** How many users a cohort has at this moment, counted when it is asked for. */
import { useState } from "preact/hooks";
import { fetchUsersOf } from "../live/product.ts";
import { useAsked } from "../live/use-asked.ts";
import { cohortUsersLink } from "../model/cohorts.ts";
import { counted } from "../model/format.ts";

const EVERY_MS = 600_000;

export function CohortSize({ name, revision, atOnce }: { name: string; revision: number; atOnce: boolean }) {
  const [wanted, setWanted] = useState(atOnce);
  const [size] = useAsked(wanted ? JSON.stringify([name, revision]) : null, EVERY_MS, (signal) => fetchUsersOf("cohorts/users", { name, limit: 1 }, signal));
  if (!wanted) {
    return (
      <button type="button" class="link" onClick={() => setWanted(true)}>
        Count users
      </button>
    );
  }
  if (size.value === null) return <span class="muted">{size.failure?.why ?? "counting…"}</span>;
  return <a href={cohortUsersLink(name)}>{counted(size.value.total, "user")}</a>;
}
