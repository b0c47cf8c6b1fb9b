import type { Channel } from "amqplib";
import type { QueueOptions } from "./broker.ts";

/** Declares a queue. A classic one has no type argument, as most producers declare it. */
export async function declareQueue(
  channel: Pick<Channel, "assertQueue">,
  queue: string,
  { durable, type }: QueueOptions,
): Promise<void> {
  await channel.assertQueue(queue, {
    durable,
    arguments: type === "quorum" ? { "x-queue-type": "quorum" } : {},
  });
}
