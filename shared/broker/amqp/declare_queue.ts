import type { Channel } from "amqplib";
import type { QueueOptions } from "../port/broker.ts";

/**
 * From 4.0, RabbitMQ drops a message that a quorum queue has delivered more
 * than 20 times, unless the queue says otherwise: a backend that is killed as
 * often with a message in hand, or somebody who looks at dead letters, would
 * lose it. The largest limit, not none: without one, what is returned goes to
 * the end of the queue, and before 4.0 there is no word for none.
 */
const unlimited = 2_147_483_647;

/** Declares a queue. A classic one has no type argument, as most producers declare it. */
export async function declareQueue(
  channel: Pick<Channel, "assertQueue">,
  queue: string,
  { durable, type }: QueueOptions,
): Promise<void> {
  await channel.assertQueue(queue, {
    durable,
    arguments: type === "quorum" ? { "x-queue-type": "quorum", "x-delivery-limit": unlimited } : {},
  });
}
