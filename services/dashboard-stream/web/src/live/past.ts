/** Asks the gateway for the numbers of a dashboard over a range of time. */
import type { Board } from "../model/board.ts";
import type { Entry } from "../model/catalogue.ts";
import type { AnswerSet } from "../model/contracts.ts";
import { type Answered, boardOf, type Wanted, wantedOf } from "../model/past.ts";
import type { Bounds } from "../model/shown-time.ts";
import { fetchAnswers, gatewayNow, NoAnswer } from "./analytics.ts";

/** Questions in one request: answers stay well below what analytics sends. */
const BATCH = 8;
/** Requests at one time: analytics computes only so many of a tenant. */
const AT_ONCE = 2;

/**
 * The board of `entries` over `bounds`; raises {@link NoAnswer}. What is refused of a single question is a problem of the board. `came` gets the
 * board of what was answered so far, in the order of the dashboard: a long range of many panels is not waited for as a whole.
 */
export async function fetchPast(entries: readonly Entry[], bounds: Bounds, signal: AbortSignal, came: (part: Board) => void = () => {}): Promise<Board> {
  const asked = gatewayNow();
  const part = (answered: Answered[], problems: string[]) => came(partOf(boardOf(answered, bounds, gatewayNow(), problems), asked, answered.length));
  const { answered, problems } = await fetchAnswered(entries, bounds, signal, part);
  const board = boardOf(answered, bounds, gatewayNow(), problems);
  if (board.range) board.range.asked = asked;
  return board;
}

/** What is answered for `entries` over `bounds`, and what was refused of single questions; raises {@link NoAnswer}. `came` gets what there is so far. */
export async function fetchAnswered(
  entries: readonly Entry[],
  bounds: Bounds,
  signal: AbortSignal,
  came: (answered: Answered[], problems: string[]) => void = () => {},
): Promise<{ answered: Answered[]; problems: string[] }> {
  const problems = new Set<string>();
  const jobs = wantedOf(entries, bounds.to - bounds.from).flatMap(({ wanted, resolutions }) =>
    Array.from({ length: Math.ceil(wanted.length / BATCH) }, (_, i) => ({ wanted: wanted.slice(i * BATCH, (i + 1) * BATCH), resolutions })),
  );
  const answered: Answered[] = [];
  const waiting = [...jobs];
  const work = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      answered.push(...(await answersTo(job.wanted, job.resolutions, bounds, signal, problems)));
      if (waiting.length) came(answered, [...problems]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { answered, problems: [...problems] };
}

function partOf(board: Board, asked: number, count: number): Board {
  board.epoch += ` ${count}`;
  if (board.range) board.range = { ...board.range, asked, partial: true };
  return board;
}

async function answersTo(wanted: readonly Wanted[], resolutions: string[], bounds: Bounds, signal: AbortSignal, problems: Set<string>): Promise<Answered[]> {
  try {
    const answers: AnswerSet = await fetchAnswers({ questions: wanted.map((one) => one.question), ...bounds, resolutions }, signal);
    return [{ wanted, answers: answers.answers, resolution: answers.resolution, serviceNames: answers.service_names ?? {} }];
  } catch (error) {
    if (!(error instanceof NoAnswer) || error.status !== 422) throw error;
    if (wanted.length === 1) {
      const { metric, field } = (wanted[0] as Wanted).entry;
      problems.add(`${metric} ${field}: ${error.message}`);
      return [];
    }
  }
  // One question is to blame, and the others are not.
  const each: Answered[] = [];
  for (const one of wanted) each.push(...(await answersTo([one], resolutions, bounds, signal, problems)));
  return each;
}
