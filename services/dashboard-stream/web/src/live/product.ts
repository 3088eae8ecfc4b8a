/** Asks the gateway what users do. */
import type { ActivityAnswer, Cohort, CohortList, DoseResponseAnswer, EngagedUsers, EngagementAnswer, EventNames, FunnelAnswer, FunnelAutopsyAnswer, KnownUsers, PathsAnswer, PersonAnswer, RetentionAnswer, SavedFunnelList, SessionsAnswer, TimelineAnswer, UserList } from "../model/contracts.ts";
import type { Body } from "../model/product.ts";
import { get, of, post, ROOT, send } from "./analytics.ts";

/** A question that is posted, though it changes nothing: it is too long for an address. */
function posted<T>(path: string): (question: Body, signal: AbortSignal) => Promise<T> {
  return (question, signal) => askPosted<T>(path, question, signal);
}

export async function askPosted<T>(path: string, question: Body, signal: AbortSignal): Promise<T> {
  return of<T>(await send("POST", `${ROOT}/${path}`, { body: question, signal }));
}

export const fetchActivity = posted<ActivityAnswer>("activity");
export const fetchEngagement = posted<EngagementAnswer>("engagement");
export const fetchEngagedUsers = posted<EngagedUsers>("engagement/users");
export const fetchExperience = posted<DoseResponseAnswer>("dose-response");
export const fetchFunnel = posted<FunnelAnswer>("funnel");
export const fetchAutopsy = posted<FunnelAutopsyAnswer>("funnel/autopsy");
export const fetchJourneys = posted<PathsAnswer>("paths");
export const fetchSessions = posted<SessionsAnswer>("sessions");
export const fetchRetention = posted<RetentionAnswer>("retention");

/** Users behind a number; `path` is the question's. */
export async function fetchUsersOf(path: string, question: Body, signal: AbortSignal): Promise<UserList> {
  if (path === "cohorts/users") return get<UserList>(`${cohortAt(String(question["name"]))}/users?limit=${Number(question["limit"])}`, signal);
  if (path === "engagement/users") {
    const { users, ...found } = await fetchEngagedUsers(question, signal);
    return { ...found, users: users.map(({ user_id }) => user_id) };
  }
  return askPosted<UserList>(path, question, signal);
}

export function fetchEventNames(signal: AbortSignal): Promise<EventNames> {
  return get<EventNames>(`${ROOT}/event-names`, signal);
}

export function fetchPerson(user: string, signal: AbortSignal): Promise<PersonAnswer> {
  return get<PersonAnswer>(`${ROOT}/person?${new URLSearchParams({ user_id: user })}`, signal);
}

export function fetchTimeline(conditions: URLSearchParams, signal: AbortSignal): Promise<TimelineAnswer> {
  return get<TimelineAnswer>(`${ROOT}/timeline?${conditions}`, signal);
}

export function fetchUsers(prefix: string, limit: number, signal: AbortSignal): Promise<KnownUsers> {
  const asked = new URLSearchParams({ limit: String(limit), ...(prefix ? { prefix } : {}) });
  return get<KnownUsers>(`${ROOT}/users?${asked}`, signal);
}

export function fetchCohorts(signal: AbortSignal): Promise<CohortList> {
  return get<CohortList>(`${ROOT}/cohorts`, signal);
}

export function fetchSavedFunnels(signal: AbortSignal): Promise<SavedFunnelList> {
  return get<SavedFunnelList>(`${ROOT}/saved-funnels`, signal);
}

export function storeCohort(name: string, body: Body): Promise<Cohort> {
  return post<Cohort>(cohortAt(name), body);
}

export function deleteCohort(name: string, revision: number): Promise<unknown> {
  return post(`${cohortAt(name)}/delete`, { revision });
}

function cohortAt(name: string): string {
  return `${ROOT}/cohorts/${encodeURIComponent(name)}`;
}
