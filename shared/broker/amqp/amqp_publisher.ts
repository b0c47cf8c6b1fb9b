import { Buffer } from "node:buffer";
import type { Logger } from "@logtape/logtape";
import { type ConfirmChannel, IllegalOperationError } from "amqplib";
import { backoffMs } from "../../lifecycle/backoff.ts";
import {
  type OutgoingMessage,
  type Publisher,
  type PublisherOptions,
  PublishError,
  type QueueOptions,
} from "../port/broker.ts";
import { UnconfirmedWindow } from "../port/unconfirmed_window.ts";
import { AmqpLink } from "./amqp_link.ts";
import { declareQueue } from "./declare_queue.ts";

/** A message on its way, until the broker has confirmed it. */
interface Pending {
  readonly id: number;
  readonly queue: string;
  readonly message: OutgoingMessage;
  readonly confirm: () => void;
  readonly fail: (error: PublishError) => void;
  refusals: number;
  /** The broker had no such queue to put it in. */
  returned: boolean;
}

/** Times that a message is offered before it counts as refused. */
const maxTries = 5;

/**
 * Publishes over one connection with publisher confirms. Messages are
 * `mandatory`, since a broker confirms, and drops, what no queue takes.
 */
export class AmqpPublisher implements Publisher {
  readonly #link: AmqpLink;
  readonly #window: UnconfirmedWindow;
  /** In the order of sending, which is the order of sending again. */
  readonly #pending = new Map<number, Pending>();
  readonly #retries = new Set<ReturnType<typeof setTimeout>>();
  readonly #declare: PublisherOptions["queues"];
  readonly #queueOptions: QueueOptions;
  #channel: ConfirmChannel | undefined;
  #nextId = 1;
  #closed = false;

  constructor(
    { queues, maxUnconfirmed }: PublisherOptions,
    broker: { readonly url: URL; readonly queues: QueueOptions; readonly log: Logger },
  ) {
    this.#declare = queues;
    this.#queueOptions = broker.queues;
    this.#window = new UnconfirmedWindow(maxUnconfirmed);
    this.#link = new AmqpLink({
      url: broker.url,
      role: `publish ${queues.join(" ")}`,
      log: broker.log,
      setUp: async (connection, lost) => {
        const channel = await connection.createConfirmChannel();
        channel.on("error", lost);
        channel.on("close", () => lost(new Error("channel closed")));
        channel.on("return", ({ properties }) => this.#onReturn(Number(properties.messageId)));
        for (const queue of queues) await declareQueue(channel, queue, broker.queues);
        this.#channel = channel;
        for (const pending of [...this.#pending.values()]) this.#send(pending);
      },
    });
  }

  async open(signal: AbortSignal): Promise<this> {
    await this.#link.open(signal);
    return this;
  }

  get up(): boolean {
    return this.#link.up;
  }

  get unconfirmed(): number {
    return this.#window.size;
  }

  room(): Promise<void> {
    return this.#window.room();
  }

  publish(queue: string, message: OutgoingMessage): Promise<void> {
    if (this.#closed) {
      return Promise.reject(
        new PublishError(`Cannot publish to ${queue}: the publisher is closed`),
      );
    }
    if (!this.#declare.includes(queue)) {
      const problem = `Cannot publish to ${queue}: the publisher was not opened for it`;
      return Promise.reject(new PublishError(problem));
    }
    return new Promise((confirm, fail) => {
      const id = this.#nextId++;
      const pending = { id, queue, message, confirm, fail, refusals: 0, returned: false };
      this.#pending.set(id, pending);
      this.#window.enter();
      this.#send(pending);
    });
  }

  #send(pending: Pending): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    const { body, headers, contentType = "application/protobuf" } = pending.message;
    pending.returned = false;
    try {
      channel.publish(
        "",
        pending.queue,
        Buffer.from(body.buffer, body.byteOffset, body.byteLength),
        {
          persistent: true,
          mandatory: true,
          ...(contentType === null ? {} : { contentType }),
          messageId: String(pending.id),
          ...(headers === undefined ? {} : { headers }),
        },
        (error: unknown) => {
          // A channel that is gone fails all it held; the next one sends them again.
          if (channel !== this.#channel) return;
          if (error === null && !pending.returned) this.#settle(pending)?.confirm();
          else if (isNack(error)) this.#onRefusal(pending);
        },
      );
    } catch (error) {
      // The channel has just closed; the next one sends this again.
      if (error instanceof IllegalOperationError) this.#channel = undefined;
      else this.#settle(pending)?.fail(notEncodable(pending.queue, error));
    }
  }

  #onReturn(id: number): void {
    const pending = this.#pending.get(id);
    if (pending !== undefined) pending.returned = true;
  }

  #onRefusal(pending: Pending): void {
    pending.refusals++;
    if (pending.refusals >= maxTries) {
      const why = pending.returned ? "there is no such queue" : "the broker refuses it";
      const tried = `tried ${maxTries} times`;
      this.#settle(pending)?.fail(
        new PublishError(`Cannot publish to ${pending.queue}: ${why}, ${tried}`),
      );
      return;
    }
    const channel = this.#channel;
    const retry = setTimeout(async () => {
      this.#retries.delete(retry);
      // A newer channel was sent everything that is pending when it opened.
      if (channel === undefined || channel !== this.#channel) return;
      try {
        if (pending.returned) await declareQueue(channel, pending.queue, this.#queueOptions);
      } catch {
        // The channel closes with the reason, and the reconnect sends this again.
        return;
      }
      if (channel === this.#channel && this.#pending.has(pending.id)) this.#send(pending);
    }, backoffMs(pending.refusals));
    this.#retries.add(retry);
  }

  #settle(pending: Pending): Pending | undefined {
    if (!this.#pending.delete(pending.id)) return undefined;
    this.#window.leave();
    return pending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const retry of this.#retries) clearTimeout(retry);
    this.#channel = undefined;
    await this.#link[Symbol.asyncDispose]();
    for (const pending of [...this.#pending.values()]) {
      this.#settle(pending)?.fail(
        new PublishError(`Cannot publish to ${pending.queue}: the publisher closed first`),
      );
    }
    this.#window.releaseAll();
  }
}

/** Headers that AMQP has no type for, or that are too large. */
function notEncodable(queue: string, error: unknown): PublishError {
  const why = error instanceof Error ? error.message : String(error);
  return new PublishError(`Cannot publish to ${queue}: ${why}`, { cause: error });
}

/** A confirm that says no, or that went with a returned message; else the channel is gone. */
function isNack(error: unknown): boolean {
  return error === null || (error instanceof Error && error.message === "message nacked");
}
