import { unescape } from "node:querystring";
import { queueMismatch } from "../port/queue_mismatch.ts";

/** A failure to reach or use the broker, in words for a person. */
export interface BrokerFault {
  readonly message: string;
  /** No retry can help: a setting or the broker must be changed. */
  readonly permanent: boolean;
}

const mismatch =
  /inequivalent arg '([^']+)' for queue '([^']+)'.*current is (?:the value )?'?(\w+)'?/s;
const missingArgument = /inequivalent arg '([^']+)' for queue '([^']+)'.*current is none/s;

/** What an error of the AMQP client means, by the reply codes of AMQP 0-9-1. */
export function brokerFault(error: unknown, url: URL): BrokerFault {
  const text = error instanceof Error ? error.message : String(error);
  const where = `${url.hostname}:${url.port || (url.protocol === "amqps:" ? 5671 : 5672)}`;
  const permanent = (message: string) => ({ message, permanent: true });

  const found = missingArgument.exec(text)?.[1] === "x-queue-type" ? "classic" : undefined;
  const [, property, queue, value] = mismatch.exec(text) ?? [];
  if (property !== undefined && queue !== undefined && value !== undefined) {
    return permanent(queueMismatch(queue, property, found ?? value).message);
  }
  if (/ACCESS[_-]REFUSED.*queue/s.test(text)) {
    return permanent(`Cannot use the queues at ${where}: ${text}; grant the user permission`);
  }
  if (/ACCESS[_-]REFUSED|\b403\b/.test(text)) {
    return permanent(`Cannot connect to the broker at ${where}: it refuses the user or password`);
  }
  // A limit ends with somebody else's connection; a virtual host that is down is an internal error.
  if (/NOT[_-]ALLOWED/.test(text) && !/(connection|user) limit /.test(text)) {
    const vhost = unescape(url.pathname.slice(1)) || "/";
    return permanent(
      `Cannot connect to the broker at ${where}: no virtual host ${vhost}, or no access to it`,
    );
  }
  return { message: `Cannot connect to the broker at ${where}: ${text}`, permanent: false };
}
