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
