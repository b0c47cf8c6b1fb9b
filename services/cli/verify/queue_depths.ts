import { connect } from "amqplib";
import { deadLetterQueue } from "#shared/broker/broker.ts";
import { brokerFault } from "#shared/broker/broker_fault.ts";
import { StartError } from "#shared/lifecycle/start_error.ts";

export interface QueueDepth {
  readonly queue: string;
  /** Messages that wait in it, without those in a consumer's hands; undefined if there is none. */
  readonly messages: number | undefined;
}

/**
 * How many messages wait in each of the queues and in their dead letter queues,
 * without declaring any.
 *
 * @throws {StartError} if the broker can't be asked.
 */
export async function queueDepths(
  url: URL,
  queues: readonly string[],
): Promise<readonly QueueDepth[]> {
  try {
    const connection = await connect(url.href, {
      clientProperties: { connection_name: "verify" },
    });
    connection.on("error", () => {});
    const depths: QueueDepth[] = [];
    try {
      for (const queue of [...queues, ...queues.map(deadLetterQueue)]) {
        depths.push({ queue, messages: await depthOf(connection, queue) });
      }
    } finally {
      await connection.close();
    }
    return depths;
  } catch (error) {
    throw new StartError(brokerFault(error, url).message, { cause: error });
  }
}

async function depthOf(
  connection: Awaited<ReturnType<typeof connect>>,
  queue: string,
): Promise<number | undefined> {
  // The broker closes the channel on which it is asked for a queue that is not there.
  const channel = await connection.createChannel();
  channel.on("error", () => {});
  try {
    const { messageCount } = await channel.checkQueue(queue);
    await channel.close();
    return messageCount;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 404) return undefined;
    throw error;
  }
}
