import type { SingleConnection } from "./connect_once.ts";

export interface QueueSize {
  /** Messages that no consumer has in hand. */
  readonly messages: number;
  readonly consumers: number;
}

/** The size of a queue, without declaring it; undefined if there is no such queue. */
export async function queueSize(
  { connection, lost }: SingleConnection,
  queue: string,
): Promise<QueueSize | undefined> {
  const channel = await Promise.race([connection.createChannel(), lost]);
  // A passive declaration that finds nothing closes its channel, and says so here too.
  channel.on("error", () => {});
  try {
    const { messageCount, consumerCount } = await Promise.race([channel.checkQueue(queue), lost]);
    await Promise.race([channel.close(), lost]);
    return { messages: messageCount, consumers: consumerCount };
  } catch (error) {
    if (error instanceof Error && /NOT[_-]FOUND|\b404\b/.test(error.message)) return undefined;
    throw error;
  }
}
