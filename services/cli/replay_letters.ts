import { connectOnce } from "#shared/broker/connect_once.ts";
import { queueSize } from "#shared/broker/queue_size.ts";
import { Republisher } from "#shared/broker/republisher.ts";
import { StartError } from "#shared/lifecycle/start_error.ts";
import { deadLetterHeaders } from "../backend/ingest/dead_letters.ts";
import { type DeadLetterQueue, type LetterContext, walkLetters } from "./dead_letter_queues.ts";
import type { Letter } from "./letter.ts";
import type { Print } from "./print.ts";

/** Bodies on their way to the broker at once, at most; one larger than that goes alone. */
const maxBytesOnTheWay = 32 * 1024 * 1024;
/** Letters on their way at once, at most, until their sizes say less. */
const maxOnTheWay = 512;

/**
 * Publishes each letter to the queue that it came from, and removes it from the
 * dead letters once that is confirmed: it may be there twice, which its
 * identity makes harmless, and is never lost. Letters that arrive meanwhile are
 * not touched, so that one replay is one try.
 */
export async function replayLetters(context: LetterContext, print: Print): Promise<void> {
  const { broker, log, queues, limit } = context;
  // A connection of its own: a broker that is short of memory stops reading from publishers,
  // and acks must still get through.
  await using link = await connectOnce(broker.url, "dead-letters replay", log);
  const republisher = await Republisher.open(link);
  let replayed = 0;
  let left = 0;
  for (const queue of queues) {
    const before = replayed;
    try {
      if (queue.letters > 0 && await queueSize(link, queue.origin) === undefined) {
        throw new StartError(
          `Cannot replay to ${queue.origin}: there is no such queue; the backend declares it`,
        );
      }
      await replayQueue(context, queue, {
        limit: limit - before,
        publish: (letter) => republish(republisher, queue.origin, letter),
        onReplayed: () => replayed++,
      });
    } catch (error) {
      await print(`Replayed ${replayed}, then stopped; the others are where they were.`);
      throw error;
    }
    left += queue.letters - (replayed - before);
  }
  await print(`Replayed ${replayed}, left ${left}.`);
}

async function replayQueue(
  context: LetterContext,
  queue: DeadLetterQueue,
  { limit, publish, onReplayed }: {
    readonly limit: number;
    readonly publish: (letter: Letter) => Promise<void>;
    readonly onReplayed: () => void;
  },
): Promise<void> {
  let started = 0;
  let largest = maxBytesOnTheWay / maxOnTheWay;
  // What had no room on its way is for the next walk, which has less in hand at once.
  for (let maxLetters = queue.letters; maxLetters > 0 && started < limit;) {
    let bytesOnTheWay = 0;
    let postponed = 0;
    const { removed } = await walkLetters(context, {
      queue,
      maxLetters,
      firstPrefetch: Math.max(1, Math.floor(maxBytesOnTheWay / largest)),
      visit(letter) {
        const { length } = letter.body;
        largest = Math.max(largest, length);
        if (started >= limit) return "leave";
        if (bytesOnTheWay > 0 && bytesOnTheWay + length > maxBytesOnTheWay) {
          postponed++;
          return "leave";
        }
        started++;
        bytesOnTheWay += length;
        return publish(letter).then(() => {
          bytesOnTheWay -= length;
          onReplayed();
          return "remove";
        });
      },
      enough: () => started >= limit || postponed > 0,
    });
    if (postponed === 0) return;
    maxLetters -= removed;
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
