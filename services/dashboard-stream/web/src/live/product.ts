/** Asks the gateway what users do. */
import type { ActivityAnswer, CohortList, EventNames, FunnelAnswer, FunnelAutopsyAnswer, KnownUsers, PathsAnswer, PersonAnswer, RetentionAnswer, SessionsAnswer, TimelineAnswer, UserList } from "../model/contracts.ts";
import type { Body } from "../model/product.ts";
import { get, of, ROOT, send } from "./analytics.ts";

/** A question that is posted, though it changes nothing: it is too long for an address. */
function posted<T>(path: string): (question: Body, signal: AbortSignal) => Promise<T> {
  return (question, signal) => askPosted<T>(path, question, signal);
}

export async function askPosted<T>(path: string, question: Body, signal: AbortSignal): Promise<T> {
  return of<T>(await send("POST", `${ROOT}/${path}`, { body: question, signal }));
}

export const fetchActivity = posted<ActivityAnswer>("activity");
export const fetchFunnel = posted<FunnelAnswer>("funnel");
export const fetchAutopsy = posted<FunnelAutopsyAnswer>("funnel/autopsy");
export const fetchJourneys = posted<PathsAnswer>("paths");
export const fetchSessions = posted<SessionsAnswer>("sessions");
export const fetchRetention = posted<RetentionAnswer>("retention");

/** Users behind a number; `path` is the question's. */
export function fetchUsersOf(path: string, question: Body, signal: AbortSignal): Promise<UserList> {
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
