import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { deadLetterHeaders } from "../../backend/ingest/letters/dead_letters.ts";
import type { Print } from "../output/print.ts";
import { connectOnce } from "../queues/connect_once.ts";
import { queueSize } from "../queues/queue_size.ts";
import { Republisher } from "../queues/republisher.ts";
import type { Verdict } from "../queues/walk_channel.ts";
import {
  checkNoneMissed,
  type DeadLetterQueue,
  type LetterContext,
  type WalkedLetters,
  walkLetters,
} from "./dead_letter_queues.ts";
import type { Letter } from "./letter.ts";
import { LetterCopies } from "./letter_copies.ts";

/** Bodies on their way to the broker at once, at most; one larger than that goes alone. */
const maxBytesOnTheWay = 32 * 1024 * 1024;
/** Letters on their way at once, at most, until their sizes say less. */
const maxOnTheWay = 512;

/**
 * Publishes each letter to the queue that it came from, and removes it from the
 * dead letters once that is confirmed: it may be there twice, which its
 * identity makes harmless, and is never lost. A further copy of a letter goes
 * with it, unsent. Letters that arrive meanwhile are not touched, so that one
 * replay is one try.
 */
export async function replayLetters(context: LetterContext, print: Print): Promise<void> {
  const { broker, log, queues, limit } = context;
  // A connection of its own: a broker that is short of memory stops reading from publishers,
  // and acks must still get through.
  await using link = await connectOnce(broker.url, "dead-letters replay", log);
  const republisher = await Republisher.open(link);
  const copies = new LetterCopies();
  let replayed = 0;
  let left = 0;
  let missed = 0;
  for (const queue of queues) {
    try {
      if (queue.letters > 0 && await queueSize(link, queue.origin) === undefined) {
        throw new ExitError(
          `Cannot replay to ${queue.origin}: there is no such queue; the backend declares it`,
        );
      }
      const walked = await replayQueue(context, queue, {
        limit: limit - replayed,
        copies,
        publish: (letter) => republish(republisher, queue.origin, letter),
        onReplayed: () => replayed++,
      });
      left += queue.letters - walked.removed;
      missed += walked.missed;
    } catch (error) {
      await print(`Replayed ${replayed}, then stopped; the others are where they were.`);
      throw error;
    }
  }
  await print(`Replayed ${replayed}${copies.inWords()}, left ${left}.`);
  checkNoneMissed(missed);
}

async function replayQueue(
  context: LetterContext,
  queue: DeadLetterQueue,
  { limit, copies, publish, onReplayed }: {
    readonly limit: number;
    readonly copies: LetterCopies;
    readonly publish: (letter: Letter) => Promise<void>;
    readonly onReplayed: () => void;
  },
): Promise<Pick<WalkedLetters, "removed" | "missed">> {
  /** By digest: the letters that were sent, until they are confirmed and their copies may go. */
  const sending = new Map<string, Promise<Verdict>>();
  let started = 0;
  let removed = 0;
  let largest = maxBytesOnTheWay / maxOnTheWay;
  // What had no room on its way is for the next walk, which has less in hand at once.
  for (;;) {
    let bytesOnTheWay = 0;
    let postponed = 0;
    const walked = await walkLetters(context, {
      queue,
      maxLetters: queue.letters - removed,
      maxInHand: Math.max(1, Math.floor(maxBytesOnTheWay / largest)),
      visit(letter) {
        const { length } = letter.body;
        largest = Math.max(largest, length);
        if (copies.has(letter)) {
          copies.isFirst(letter);
          return sending.get(letter.digest) ?? "remove";
        }
        if (started >= limit) return "leave";
        if (bytesOnTheWay > 0 && bytesOnTheWay + length > maxBytesOnTheWay) {
          postponed++;
          return "leave";
        }
        started++;
        copies.isFirst(letter);
        bytesOnTheWay += length;
        const sent = publish(letter).then((): Verdict => {
          bytesOnTheWay -= length;
          sending.delete(letter.digest);
          onReplayed();
          return "remove";
        });
        sending.set(letter.digest, sent);
        return sent;
      },
      enough: () => started >= limit || postponed > 0,
    });
    removed += walked.removed;
    const { missed } = walked;
    if (postponed === 0 || missed > 0) return { removed, missed };
  }
}

/** The original as it was, with its id and the number of its replays. */
async function republish(
  republisher: Pick<Republisher, "publish">,
  queue: string,
  { id, replays, body, headers, contentType, properties }: Letter,
): Promise<void> {
  await republisher.publish(queue, body, {
    ...properties,
    ...(contentType === undefined ? {} : { contentType }),
    headers: {
      // RabbitMQ would send copies to whatever queues these name.
      ...Object.fromEntries(Object.entries(headers).filter(([name]) => !/^b?cc$/i.test(name))),
      [deadLetterHeaders.id]: id,
      [deadLetterHeaders.replays]: replays + 1,
    },
  });
}
