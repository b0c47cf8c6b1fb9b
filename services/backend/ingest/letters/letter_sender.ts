import type { Delivery, Publisher } from "#shared/broker/port/broker.ts";
import { deadLetter, deadLetterHeaders, type DeadLetterReason } from "./dead_letters.ts";
import { messageDigest } from "./letter_id.ts";

export interface LetterSenderOptions {
  /** Opened for the dead-letter queue of `queue`. */
  readonly publisher: Pick<Publisher, "publish">;
  readonly queue: string;
  /** Letters to remember, at most: as many as can be redelivered, which is the prefetch. */
  readonly maxRemembered: number;
}

/**
 * Dead-letters messages of one queue. One that is delivered again, since its
 * connection was lost between its letter and its ack, gets no second letter: it
 * waits for the first, or finds it confirmed. A message that was replayed
 * meanwhile, and is as bad as before, is a letter again.
 */
export class LetterSender {
  readonly #options: LetterSenderOptions;
  /** The letters by message, oldest first; resolved once they are confirmed. */
  readonly #sent = new Map<string, Promise<void>>();

  constructor(options: LetterSenderOptions) {
    this.#options = options;
  }

  /** Resolves once the message is safe in the dead-letter queue. */
  send(delivery: Delivery, reason: DeadLetterReason, detail: string): Promise<void> {
    const { publisher, queue, maxRemembered } = this.#options;
    const key = this.#keyOf(delivery);
    const before = delivery.redelivered ? this.#sent.get(key) : undefined;
    if (before !== undefined) return before;
    const sent = deadLetter(publisher, queue, delivery, reason, detail);
    this.#sent.delete(key);
    this.#sent.set(key, sent);
    // What failed is tried again, as a letter that is not there.
    sent.catch(() => this.#sent.get(key) === sent && this.#sent.delete(key));
    for (const oldest of this.#sent.keys()) {
      if (this.#sent.size <= maxRemembered) break;
      this.#sent.delete(oldest);
    }
    return sent;
  }

  /** The message, and which of its lives: a replay counts up, a copy by hand keeps the time. */
  #keyOf({ body, headers, contentType, properties = {} }: Delivery): string {
    const { replays, time } = deadLetterHeaders;
    const digest = messageDigest(this.#options.queue, { body, headers, contentType, properties });
    return `${digest} ${headers[replays]} ${headers[time]}`;
  }
}
