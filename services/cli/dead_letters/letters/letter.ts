import type { MessageHeaders, MessageProperties } from "#shared/broker/port/broker.ts";
import { isShortString, messageProperties } from "#shared/broker/port/message_properties.ts";
import { deadLetterHeaders } from "../../../backend/ingest/letters/dead_letters.ts";
import { letterId, messageDigest, ownHeaders } from "../../../backend/ingest/letters/letter_id.ts";
import type { WalkedMessage } from "../../queues/walk_channel.ts";

/** A dead letter, as read from its queue. */
export interface Letter {
  /** From its header; of a letter that has none, of its digest. */
  readonly id: string;
  /** The same for each copy of a message, whatever its header says. */
  readonly digest: string;
  readonly reason: string;
  readonly detail: string;
  /** When it was dead-lettered, in Unix milliseconds; undefined if it does not say. */
  readonly timeMs: number | undefined;
  /** Times that it was replayed before. */
  readonly replays: number;
  readonly body: Uint8Array;
  /** The original's own. */
  readonly headers: MessageHeaders;
  readonly contentType: string | undefined;
  readonly properties: MessageProperties;
}

/**
 * Reads a dead letter; whatever someone else put into the queue is one too, with reason `unknown`.
 *
 * @param origin the queue that the letters of its queue come from
 */
export function readLetter({ content, properties: amqp }: WalkedMessage, origin: string): Letter {
  const all: MessageHeaders = amqp.headers ?? {};
  const text = (name: string) => typeof all[name] === "string" ? all[name] : undefined;
  const time = Date.parse(text(deadLetterHeaders.time) ?? "");
  const replays = Number(all[deadLetterHeaders.replays]);
  const original = text(deadLetterHeaders.properties);
  const message = {
    body: content,
    headers: ownHeaders(all),
    // The client's type says any.
    contentType: amqp.contentType as string | undefined,
    properties: original === undefined ? messageProperties(amqp) : readProperties(original),
  };
  const digest = messageDigest(origin, message);
  return {
    ...message,
    digest,
    id: text(deadLetterHeaders.id) ?? letterId(digest),
    reason: text(deadLetterHeaders.reason) ?? "unknown",
    detail: text(deadLetterHeaders.detail) ?? "",
    timeMs: Number.isNaN(time) ? undefined : time,
    replays: Number.isSafeInteger(replays) ? replays : 0,
  };
}

/** Only what AMQP can carry: a header that someone else wrote must not stop a replay. */
function readProperties(json: string): MessageProperties {
  let given: Readonly<Record<string, unknown>>;
  try {
    given = Object(JSON.parse(json));
  } catch {
    return {};
  }
  const short = (name: string) => {
    const value = given[name];
    return typeof value === "string" && isShortString(value) ? { [name]: value } : {};
  };
  const { timestamp } = given;
  return {
    ...short("messageId"),
    ...short("correlationId"),
    ...short("type"),
    ...short("appId"),
    ...(Number.isSafeInteger(timestamp) && Number(timestamp) >= 0
      ? { timestamp: Number(timestamp) }
      : {}),
  };
}
