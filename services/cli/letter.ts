import { createHash } from "node:crypto";
import type { MessageHeaders, MessageProperties } from "#shared/broker/broker.ts";
import type { WalkedMessage } from "#shared/broker/walk_queue.ts";
import { deadLetterHeaders } from "../backend/ingest/dead_letters.ts";

/** A dead letter, as read from its queue. */
export interface Letter {
  /** From its header; of a letter that has none, a digest of its body. */
  readonly id: string;
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

/** Reads a dead letter; whatever someone else put into the queue is one too, with reason `unknown`. */
export function readLetter({ content, properties }: WalkedMessage): Letter {
  const all: MessageHeaders = properties.headers ?? {};
  const ours = new Set<string>(Object.values(deadLetterHeaders));
  const text = (name: string) => typeof all[name] === "string" ? all[name] : undefined;
  const time = Date.parse(text(deadLetterHeaders.time) ?? "");
  const replays = Number(all[deadLetterHeaders.replays]);
  return {
    id: text(deadLetterHeaders.id) ?? digest(content),
    reason: text(deadLetterHeaders.reason) ?? "unknown",
    detail: text(deadLetterHeaders.detail) ?? "",
    timeMs: Number.isNaN(time) ? undefined : time,
    replays: Number.isSafeInteger(replays) ? replays : 0,
    body: content,
    headers: Object.fromEntries(Object.entries(all).filter(([name]) => !ours.has(name))),
    // The client's type says any.
    contentType: properties.contentType as string | undefined,
    properties: readProperties(text(deadLetterHeaders.properties)),
  };
}

function digest(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex").slice(0, 16);
}

/** Only what AMQP can carry: a header that someone else wrote must not stop a replay. */
function readProperties(json: string | undefined): MessageProperties {
  let given: Readonly<Record<string, unknown>>;
  try {
    given = Object(JSON.parse(json ?? "{}"));
  } catch {
    return {};
  }
  const short = (name: string) => {
    const value = given[name];
    return typeof value === "string" && new TextEncoder().encode(value).length <= 255
      ? { [name]: value }
      : {};
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
