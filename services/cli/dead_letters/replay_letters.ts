import { defineAction } from "#shared/command/define_action.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf } from "#shared/config/setting.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { deadLetterHeaders } from "../../backend/ingest/letters/dead_letters.ts";
import { type Print, printLine } from "../output/print.ts";
import { connectOnce } from "../queues/connect_once.ts";
import { queueSize } from "../queues/queue_size.ts";
import { Republisher } from "../queues/republisher.ts";
import type { Verdict } from "../queues/walk_channel.ts";
import { limit } from "../settings/limit.ts";
import type { DeadLetterQueue } from "./letters/dead_letter_queues.ts";
import type { Letter } from "./letters/letter.ts";
import { endingBrokerSettings, type QueueType } from "./letters/letter_broker.ts";
import { LetterCopies } from "./letters/letter_copies.ts";
import { letterFilterSettings } from "./letters/letter_filter.ts";
import { type OpenLetters, openLetters } from "./letters/open_letters.ts";
import { checkNoneMissed, type WalkedLetters, walkLetters } from "./letters/walk_letters.ts";

const replaySettings = {
  backend: { rabbitmq: endingBrokerSettings },
  dead_letters: { ...letterFilterSettings, limit: limit("letters to replay, oldest first") },
};

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
export async function replayLetters(
  { backend, deadLetters: { limit, ...filter } }: ConfigOf<typeof replaySettings>,
  context: Pick<RunContext, "log" | "signal">,
  print: Print,
): Promise<void> {
  const { url, queueType } = backend.rabbitmq;
  await using letters = await openLetters(backend.rabbitmq, filter, context);
  // A connection of its own: a broker that is short of memory stops reading from publishers,
  // and acks must still get through.
  await using link = await connectOnce(url, "dead-letters replay", context.log);
  const republisher = await Republisher.open(link);
  const copies = new LetterCopies();
  let replayed = 0;
  let left = 0;
  let missed = 0;
  for (const queue of letters.queues) {
    try {
      if (queue.letters > 0 && await queueSize(link, queue.origin) === undefined) {
        throw new ExitError(
          `Cannot replay to ${queue.origin}: there is no such queue; the backend declares it`,
        );
      }
      const walked = await replayQueue(letters, queue, {
        queueType,
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
  letters: OpenLetters,
  queue: DeadLetterQueue,
  { queueType, limit, copies, publish, onReplayed }: {
    readonly queueType: QueueType;
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
    const walked = await walkLetters(letters, {
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
      early: { queueType, enough: () => started >= limit || postponed > 0 },
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

export const replayLettersAction = defineAction({
  name: "replay",
  summary: "Sends dead letters back to their queue, and removes each once it is there.",
  sections: { log: logSettings, ...replaySettings },
  run: (config, context) => replayLetters(config, context, printLine),
});
