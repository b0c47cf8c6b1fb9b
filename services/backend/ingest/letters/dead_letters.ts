import {
  deadLetterQueue,
  type Delivery,
  type MessageHeaders,
  type Publisher,
} from "#shared/broker/port/broker.ts";
import { isShortString } from "#shared/broker/port/message_properties.ts";
import type { MalformedReason } from "../../readings/malformed_message_error.ts";
import type { LeavingReason } from "../../store/parked/take_parked.ts";
import { isPlain, letterId, messageDigest, ownHeaders } from "./letter_id.ts";

/** Why a message is in a dead-letter queue. */
export type DeadLetterReason =
  | MalformedReason
  | LeavingReason
  | "refused_by_database"
  | "decoder_failed";

/** Header names of a dead letter; the original's own plain headers are kept beside them. */
export const deadLetterHeaders = {
  reason: "x-dead-letter-reason",
  detail: "x-dead-letter-detail",
  time: "x-dead-letter-time",
  /** Names the letter: a digest of the message, which keeps it however often it comes. */
  id: "x-dead-letter-id",
  /** Times that the message was replayed. */
  replays: "x-dead-letter-replays",
  /** The original's message id, timestamp and the like, as JSON; replay sets them again. */
  properties: "x-dead-letter-properties",
} as const;

/** Longest detail that is kept, in characters. */
const longestDetail = 1_000;
/** Most that is kept of the original's headers, in characters: the client encodes 64 KiB at most. */
const longestHeaders = 8_000;

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
  const { body, properties = {} } = delivery;
  const contentType = isShortString(delivery.contentType ?? "") ? delivery.contentType : undefined;
  const headers = plainHeaders(ownHeaders(delivery.headers));
  const digest = messageDigest(queue, { body, headers, contentType, properties });
  await publisher.publish(deadLetterQueue(queue), {
    body,
    headers: {
      ...headers,
      [deadLetterHeaders.reason]: reason,
      [deadLetterHeaders.detail]: detail.slice(0, longestDetail),
      [deadLetterHeaders.time]: new Date().toISOString(),
      [deadLetterHeaders.id]: letterId(digest),
      ...replaysBefore(delivery.headers),
      [deadLetterHeaders.properties]: JSON.stringify(properties),
    },
    contentType: contentType ?? null,
  });
}

function replaysBefore(headers: MessageHeaders): MessageHeaders {
  const { replays } = deadLetterHeaders;
  return Number.isSafeInteger(headers[replays]) ? { [replays]: headers[replays] } : {};
}

/**
 * The headers that any client can encode again, in their order while there is
 * room: text, whole numbers and booleans. Not CC and BCC, by which RabbitMQ
 * would route copies of the dead letter to whatever queues they name.
 */
function plainHeaders(headers: MessageHeaders): MessageHeaders {
  const kept: Record<string, unknown> = {};
  let room = longestHeaders;
  for (const [name, value] of Object.entries(headers)) {
    const plain = isPlain(value) && isShortString(name);
    room -= name.length + (typeof value === "string" ? value.length : 8);
    if (plain && room >= 0 && !/^b?cc$/i.test(name)) kept[name] = value;
  }
  return kept;
}
