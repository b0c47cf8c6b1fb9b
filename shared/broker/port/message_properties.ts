import type { MessageProperties } from "./broker.ts";

const names = ["messageId", "correlationId", "timestamp", "type", "appId"] as const;

/** Those of a message's AMQP properties that were set. */
export function messageProperties(
  properties:
    | Readonly<Record<string, unknown>>
    | { readonly [Name in typeof names[number]]: unknown },
): MessageProperties {
  const given = properties as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    names.flatMap((name) => given[name] === undefined ? [] : [[name, given[name]]]),
  );
}

/**
 * Whether AMQP can carry a text as a name or a property, which are 255 bytes at
 * most. One that came by AMQP may have become longer: each byte of it that is no
 * UTF-8 is read as a character of three.
 */
export function isShortString(text: string): boolean {
  return text.length <= 255 && new TextEncoder().encode(text).length <= 255;
}
