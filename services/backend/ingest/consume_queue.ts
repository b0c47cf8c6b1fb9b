import type { Broker, Publisher, Subscription } from "#shared/broker/port/broker.ts";
import { BatchConsumer, type BatchConsumerOptions } from "./batch_consumer.ts";
import { LetterSender } from "./letters/letter_sender.ts";
import type { MessageKind } from "./message_kind.ts";

export interface ConsumeOptions extends BatchConsumerOptions {
  readonly broker: Pick<Broker, "subscribe">;
  /** Opened for the dead-letter queue of `queue`. */
  readonly deadLetters: Pick<Publisher, "publish">;
  readonly prefetch: number;
}

/** Longest that the rows in hand may take to settle when the service stops, in milliseconds. */
const drainMs = 4_000;

/**
 * Consumes a queue in batches until disposed: then it takes no more, settles
 * what it has, and closes.
 */
export async function consumeQueue<Row>(
  kind: MessageKind<Row>,
  options: ConsumeOptions,
): Promise<AsyncDisposable> {
  const { broker, deadLetters, prefetch, queue } = options;
  const opened = Promise.withResolvers<Subscription>();
  // Of a lost connection: what was in hand, and as much whose ack may have been under way.
  const letters = new LetterSender({ publisher: deadLetters, queue, maxRemembered: 2 * prefetch });
  const batches = new BatchConsumer(kind, options, {
    deadLetter: (delivery, reason, detail) => letters.send(delivery, reason, detail),
    ack: async (deliveries) => (await opened.promise).ack(deliveries),
  });
  try {
    const subscription = await broker.subscribe({
      queue,
      prefetch,
      onDelivery: (delivery) => batches.accept(delivery),
      onLost: () => batches.forget(),
    });
    opened.resolve(subscription);
  } catch (error) {
    // Deliveries may have come before it failed; nothing of them can be acked any more.
    await batches.drain(0);
    throw error;
  }
  const subscription = await opened.promise;
  return {
    async [Symbol.asyncDispose]() {
      await subscription.cancel();
      await batches.drain(drainMs);
      await subscription[Symbol.asyncDispose]();
    },
  };
}
