import { deadLetterQueue, type Delivery, type Publisher } from "#shared/broker/broker.ts";
import type { MalformedReason } from "./malformed_message_error.ts";

/** Why a message is in a dead-letter queue. */
export type DeadLetterReason = MalformedReason | "refused_by_database";

/** Header names of a dead letter; the original's own headers are kept beside them. */
export const deadLetterHeaders = {
  reason: "x-dead-letter-reason",
  detail: "x-dead-letter-detail",
  time: "x-dead-letter-time",
  /** Names the letter; a message keeps it however often it is replayed. */
  id: "x-dead-letter-id",
  /** Times that the message was replayed. */
  replays: "x-dead-letter-replays",
  /** The original's message id, timestamp and the like, as JSON; replay sets them again. */
  properties: "x-dead-letter-properties",
} as const;

/** Longest detail that is kept, in characters: headers share a frame of 128 KiB. */
const longestDetail = 1_000;

/**
 * Publishes the original bytes to `<queue>.dead` with the reason, and resolves
 * once the broker has confirmed it.
 */
export async function deadLetter(
  publisher: Pick<Publisher, "publish">,
  queue: string,
  delivery: Delivery,
  reason: DeadLetterReason,
  detail: string,
): Promise<void> {
  await publisher.publish(deadLetterQueue(queue), {
    body: delivery.body,
    headers: {
      ...delivery.headers,
      [deadLetterHeaders.reason]: reason,
      [deadLetterHeaders.detail]: detail.slice(0, longestDetail),
      [deadLetterHeaders.time]: new Date().toISOString(),
      [deadLetterHeaders.id]: delivery.headers[deadLetterHeaders.id] ?? newLetterId(),
      [deadLetterHeaders.properties]: JSON.stringify(delivery.properties ?? {}),
    },
    contentType: delivery.contentType ?? null,
  });
}

/** 62 random bits: short enough to type, and no two among millions alike. */
function newLetterId(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(-16);
}
