import type { Logger } from "@logtape/logtape";
import { deadLetterQueue } from "#shared/broker/port/broker.ts";
import { connectOnce } from "../queues/connect_once.ts";
import { queueSize } from "../queues/queue_size.ts";

export interface QueueDepth {
  readonly queue: string;
  /** Messages that wait in it, without those in a consumer's hands; undefined if there is none. */
  readonly messages: number | undefined;
}

/**
 * How many messages wait in each of the queues and in their dead letter queues,
 * without declaring any.
 *
 * @throws {ExitError} if the broker can't be asked.
 */
export async function queueDepths(
  url: URL,
  queues: readonly string[],
  log: Logger,
): Promise<readonly QueueDepth[]> {
  await using link = await connectOnce(url, "verify", log);
  const depths: QueueDepth[] = [];
  for (const queue of [...queues, ...queues.map(deadLetterQueue)]) {
    depths.push({ queue, messages: (await queueSize(link, queue))?.messages });
  }
  return depths;
}
