import { ExitError } from "#shared/lifecycle/exit_error.ts";
import type { Verdict } from "../../queues/walk_channel.ts";
import { type Walked, walkQueue } from "../../queues/walk_queue.ts";
import type { DeadLetterQueue } from "./dead_letter_queues.ts";
import { type Letter, readLetter } from "./letter.ts";
import type { QueueType } from "./letter_broker.ts";
import { matches } from "./letter_filter.ts";
import type { OpenLetters } from "./open_letters.ts";

export interface LetterWalk {
  readonly queue: DeadLetterQueue;
  /** Letters from the head of the queue, at most. */
  readonly maxLetters: number;
  readonly maxInHand?: number;
  readonly visit: (letter: Letter, position: number) => Verdict | Promise<Verdict>;
  /** Where the walk may end before it has come to all of them. */
  readonly early?: {
    readonly queueType: QueueType;
    /** Asked after each letter: whether it may end. */
    readonly enough: () => boolean;
  };
}

export interface WalkedLetters extends Walked {
  /** Letters that were there at the start, and that others took before the walk came to them. */
  readonly missed: number;
}

/**
 * Walks through the letters that pass the filter; the others are left where they are.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function walkLetters(
  { link, filter, nowMs, signal }: OpenLetters,
  { queue, maxLetters, visit, early, ...walk }: LetterWalk,
): Promise<WalkedLetters> {
  let position = 0;
  const walked = await walkQueue({
    ...walk,
    link,
    queue: queue.name,
    maxMessages: maxLetters,
    visit(message) {
      position++;
      const letter = readLetter(message, queue.origin);
      return matches(letter, filter, nowMs) ? visit(letter, position) : "leave";
    },
    // A quorum queue keeps its order only when all of it is gone through.
    ...(early === undefined || early.queueType === "quorum" ? {} : { enough: early.enough }),
    signal,
  });
  signal.throwIfAborted();
  return { ...walked, missed: walked.end === "gone" ? maxLetters - walked.visited : 0 };
}

/**
 * @param missed by all walks of a command
 * @throws {ExitError} if there is any, so that nobody takes the rest for the whole.
 */
export function checkNoneMissed(missed: number): void {
  if (missed === 0) return;
  throw new ExitError(
    `Cannot tell of all dead letters: others took ${missed} from their queues meanwhile`,
  );
}
