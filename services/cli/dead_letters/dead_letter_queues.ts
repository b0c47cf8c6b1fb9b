import type { Logger } from "@logtape/logtape";
import { deadLetterQueue } from "#shared/broker/port/broker.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { connectOnce, type SingleConnection } from "../queues/connect_once.ts";
import { queueSize } from "../queues/queue_size.ts";
import type { Verdict } from "../queues/walk_channel.ts";
import { type Walked, walkQueue } from "../queues/walk_queue.ts";
import { type Letter, readLetter } from "./letter.ts";
import { type LetterFilter, matches } from "./letter_filter.ts";

/** One of the two dead-letter queues. */
export interface DeadLetterQueue {
  readonly name: string;
  /** The queue that its letters come from. */
  readonly origin: string;
  readonly holds: "devices" | "readings";
  /** Letters in it at the start. */
  readonly letters: number;
}

export interface BrokerConfig {
  readonly url: URL;
  readonly deviceQueue: string;
  readonly sensorQueue: string;
  readonly queueType: "classic" | "quorum";
}

/** What an action works with. */
export interface LetterContext {
  readonly link: SingleConnection;
  readonly broker: BrokerConfig;
  /** Those that the filter asks for and that exist. */
  readonly queues: readonly DeadLetterQueue[];
  readonly filter: LetterFilter;
  /** Letters to act on, at most; Infinity for all. */
  readonly limit: number;
  readonly nowMs: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Connects to the broker whose dead letters are wanted.
 *
 * @throws {ExitError} for `memory://`, or when there is no connection.
 */
export async function connectForLetters(
  { url }: BrokerConfig,
  log: Logger,
): Promise<SingleConnection> {
  if (url.protocol === "memory:") {
    throw new ExitError(
      "Cannot read the dead letters of memory://: they are gone with the process that held " +
        "them; set backend.rabbitmq.url to an amqp:// URL",
    );
  }
  return await connectOnce(url, "dead-letters", log);
}

/**
 * The dead-letter queues to work on, none of them declared by this.
 *
 * @throws {ExitError} if the filter names neither.
 */
export async function findDeadLetterQueues(
  link: SingleConnection,
  { deviceQueue, sensorQueue }: BrokerConfig,
  wanted: string | undefined,
  log: Logger,
): Promise<readonly DeadLetterQueue[]> {
  const both = [
    { origin: deviceQueue, name: deadLetterQueue(deviceQueue), holds: "devices" as const },
    { origin: sensorQueue, name: deadLetterQueue(sensorQueue), holds: "readings" as const },
  ];
  const chosen = both.filter(({ origin, name }) =>
    wanted === undefined || wanted === origin || wanted === name
  );
  if (chosen.length === 0) {
    const names = both.map(({ origin }) => origin).join(" and ");
    throw new ExitError(
      `Cannot read the dead letters of ${wanted}: the backend's queues are ${names}`,
    );
  }
  const found: DeadLetterQueue[] = [];
  for (const queue of chosen) {
    const size = await queueSize(link, queue.name);
    if (size === undefined) continue;
    if (size.consumers > 0) {
      const { consumers } = size;
      log.warning("Others are reading the queue; what they hold is not seen here", {
        queue: queue.name,
        consumers,
      });
    }
    found.push({ ...queue, letters: size.messages });
  }
  return found;
}

export interface LetterWalk {
  readonly queue: DeadLetterQueue;
  /** Letters from the head of the queue, at most. */
  readonly maxLetters: number;
  readonly maxInHand?: number;
  readonly visit: (letter: Letter, position: number) => Verdict | Promise<Verdict>;
  readonly enough?: () => boolean;
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
  { link, broker, filter, nowMs, signal }: LetterContext,
  { queue, maxLetters, visit, enough, ...walk }: LetterWalk,
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
    ...(enough === undefined || broker.queueType === "quorum" ? {} : { enough }),
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
