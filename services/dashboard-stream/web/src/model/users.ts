/** Lists of users in words: whom a list holds, by the question that it is the answer to. Pure. */
import type { Body } from "./product.ts";
import { activityUsersInWords } from "./activity.ts";
import { cohortUsersInWords } from "./cohorts.ts";
import { engagedUsersInWords } from "./engagement.ts";
import { experienceUsersInWords } from "./experience.ts";
import { funnelUsersInWords } from "./funnels.ts";
import { journeysUsersInWords } from "./journeys.ts";
import { retentionUsersInWords } from "./retention.ts";
import { sessionsUsersInWords } from "./sessions.ts";

/** What a user of the list did, by the path of the question. */
const WORDS: Readonly<Record<string, (question: Body) => string>> = {
  "activity/users": activityUsersInWords,
  "cohorts/users": cohortUsersInWords,
  "dose-response/users": experienceUsersInWords,
  "engagement/users": engagedUsersInWords,
  "funnel/users": funnelUsersInWords,
  "paths/users": journeysUsersInWords,
  "retention/users": retentionUsersInWords,
  "sessions/users": sessionsUsersInWords,
};

/** `who reached step 2, feedback`; of a question that is not known here, that it is one. */
export function listInWords(of: string, question: Body): string {
  const cohort = question["cohort"];
  return `who ${WORDS[of]?.(question) ?? "are behind this number"}${typeof cohort === "string" && cohort ? `, of the cohort ${cohort}` : ""}`;
}

/** The range of the question, where it has one. */
export function rangeOf(question: Body): { from: number; to: number } | null {
  const [from, to] = [Number(question["from"]), Number(question["to"])];
  return from > 0 && from < to ? { from, to } : null;
}
