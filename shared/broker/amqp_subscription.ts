import type { Channel, ConsumeMessage } from "amqplib";
import type { Logger } from "@logtape/logtape";
import { within } from "#shared/lifecycle/within.ts";
import { AckWindow } from "./ack_window.ts";
import { AmqpLink } from "./amqp_link.ts";
import type {
  Delivery,
  MessageProperties,
  QueueOptions,
  Subscription,
  SubscriptionOptions,
} from "./broker.ts";
import { declareQueue } from "./declare_queue.ts";
import { messageProperties } from "./message_properties.ts";

/** Longest that a broker which is going away is waited for, in milliseconds. */
const answerMs = 1_500;

/** A message as amqplib hands it out, with the window that its ack belongs to. */
class AmqpDelivery implements Delivery {
  readonly window: AckWindow;
  readonly #message: ConsumeMessage;

  constructor(message: ConsumeMessage, window: AckWindow) {
    this.#message = message;
    this.window = window;
  }

  get tag(): number {
    return this.#message.fields.deliveryTag;
  }

  get body(): Uint8Array {
    return this.#message.content;
  }

  get headers(): Readonly<Record<string, unknown>> {
    return this.#message.properties.headers ?? {};
  }

  get contentType(): string | undefined {
    return this.#message.properties.contentType;
  }

  get properties(): MessageProperties {
    return messageProperties(this.#message.properties);
  }

  get redelivered(): boolean {
    return this.#message.fields.redelivered;
  }
}

/** Consumes one queue over a connection of its own, with manual acks. */
export class AmqpSubscription implements Subscription {
  readonly #link: AmqpLink;
  #channel: Channel | undefined;
  #consumerTag = "";
  #window: AckWindow | undefined;
  #cancelled = false;

  constructor(
    { queue, prefetch, onDelivery }: SubscriptionOptions,
    broker: { readonly url: URL; readonly queues: QueueOptions; readonly log: Logger },
  ) {
    this.#link = new AmqpLink({
      url: broker.url,
      role: `consume ${queue}`,
      log: broker.log,
      setUp: async (connection, lost) => {
        const channel = await connection.createChannel();
        channel.on("error", lost);
        channel.on("close", () => lost(new Error("channel closed")));
        await declareQueue(channel, queue, broker.queues);
        await channel.prefetch(prefetch);
        const window = new AckWindow((tag) => ackUpTo(channel, tag));
        this.#window = window;
        this.#channel = channel;
        if (this.#cancelled) return;
        const { consumerTag } = await channel.consume(queue, (message) => {
          if (message === null) lost(new Error(`the broker cancelled the consumer of ${queue}`));
          else onDelivery(new AmqpDelivery(message, window));
        });
        this.#consumerTag = consumerTag;
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

  ack(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      // Deliveries come only from here.
      const { window, tag } = delivery as AmqpDelivery;
      window.settle(tag);
    }
    this.#window?.flush();
  }

  async cancel(): Promise<void> {
    this.#cancelled = true;
    const channel = this.#channel;
    if (channel === undefined || this.#consumerTag === "") return;
    if (!await within(answerMs, attempt(() => channel.cancel(this.#consumerTag)))) {
      this.#channel = undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#cancelled) await this.cancel();
    const channel = this.#channel;
    // On the same channel as the acks: its answer says that they have arrived.
    if (channel !== undefined) await within(answerMs, attempt(() => channel.close()));
    await this.#link[Symbol.asyncDispose]();
  }
}

/** A call on a channel that is gone throws; here it rejects. */
async function attempt(call: () => Promise<unknown>): Promise<void> {
  await call();
}

/** Acks every delivery up to `tag`. */
function ackUpTo(channel: Channel, tag: number): void {
  try {
    // All that amqplib reads of the message.
    channel.ack({ fields: { deliveryTag: tag } } as ConsumeMessage, true);
  } catch {
    // The channel is gone: the broker delivers these again.
  }
}
