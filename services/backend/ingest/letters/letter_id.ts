import { createHash } from "node:crypto";
import type { Delivery, MessageProperties } from "#shared/broker/port/broker.ts";

/** What makes a message the one that it is. */
export interface MessageContent extends Pick<Delivery, "body" | "headers" | "contentType"> {
  readonly properties: MessageProperties;
}

/** Set by RabbitMQ, and different at each delivery of one message. */
const perDelivery = /^x-(delivery|acquired)-count$/i;
/** Ours, which tell what became of a message, and not what it is. */
const ours = /^x-dead-letter-/i;

/** The headers that a producer gave the message. */
export function ownHeaders(headers: Delivery["headers"]): Delivery["headers"] {
  const own = Object.entries(headers).filter(([name]) =>
    !perDelivery.test(name) && !ours.test(name)
  );
  return Object.fromEntries(own);
}

/** Of headers those that any client can encode again, however deep others go: text, whole numbers, booleans. */
export function isPlain(value: unknown): boolean {
  return typeof value === "string" || typeof value === "boolean" || Number.isSafeInteger(value);
}

/**
 * 32 hex digits that name a message: a digest of its queue, body, content type,
 * plain headers and properties. A message that is delivered or replayed again keeps
 * it; so do two that differ in nothing that a letter keeps, since nothing tells them
 * from one that came twice. Producers who want them told apart set a message id.
 *
 * @param queue where it came from, not its dead-letter queue
 */
export function messageDigest(
  queue: string,
  { body, headers, contentType, properties }: MessageContent,
): string {
  const sorted = (given: object) => Object.entries(given).sort(([a], [b]) => a < b ? -1 : 1);
  const plain = Object.entries(ownHeaders(headers)).filter(([, value]) => isPlain(value));
  const about = [queue, contentType ?? null, sorted(Object.fromEntries(plain)), sorted(properties)];
  const text = JSON.stringify(about);
  // The text has no such byte, so that it is plain where the body starts.
  return createHash("sha256").update(text).update("\0").update(body).digest("hex").slice(0, 32);
}

/** The name of a letter in lists and commands: short enough to type. */
export function letterId(digest: string): string {
  return digest.slice(0, 16);
}
