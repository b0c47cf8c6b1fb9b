import type { Logger } from "@logtape/logtape";
import type { Channel, ConsumeMessage } from "amqplib";
import { within } from "../../lifecycle/within.ts";
import { AckWindow, type SendAck } from "../port/ack_window.ts";
import type {
  Delivery,
  MessageProperties,
  QueueOptions,
  Subscription,
  SubscriptionOptions,
} from "../port/broker.ts";
import { messageProperties } from "../port/message_properties.ts";
import { AmqpLink } from "./amqp_link.ts";
import { declareQueue } from "./declare_queue.ts";
import { ReadGate } from "./read_gate.ts";

/**
 * Message bytes in hand at which no more are read until half of them are
 * settled: the prefetch counts messages, and one may be of many megabytes. The
 * broker takes a connection that is not read for long for dead; then they come
 * again.
 */
const mostBytesInHand = 32 * 2 ** 20;

/** Longest that a broker which is going away is waited for, in milliseconds. */
const longestAnswerMs = 1_500;

/** What belongs to one channel. */
interface Intake {
  readonly window: AckWindow;
  readonly gate: ReadGate;
}

/** A message as amqplib hands it out, with the intake that its ack belongs to. */
class AmqpDelivery implements Delivery {
  readonly intake: Intake;
  readonly #message: ConsumeMessage;

  constructor(message: ConsumeMessage, intake: Intake) {
    this.#message = message;
    this.intake = intake;
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
  readonly #answerMs: number;
  #channel: Channel | undefined;
  #intake: Intake | undefined;
  /** Takes the consumer off its channel. */
  #stopConsumer: (() => Promise<unknown>) | undefined;
  #cancelled = false;

  constructor(
    { queue, prefetch, onDelivery, onLost }: SubscriptionOptions,
    broker: {
      readonly url: URL;
      readonly queues: QueueOptions;
      readonly log: Logger;
      readonly answerMs?: number;
    },
  ) {
    this.#answerMs = broker.answerMs ?? longestAnswerMs;
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
        if (this.#intake !== undefined) onLost?.();
        const window = new AckWindow(sendAcks(channel), prefetch >> 1);
        const gate = new ReadGate(connection, mostBytesInHand);
        const intake = { window, gate };
        this.#intake = intake;
        this.#channel = channel;
        if (this.#cancelled) return;
        const { consumerTag } = await channel.consume(queue, (message) => {
          if (message === null) {
            return lost(new Error(`the broker cancelled the consumer of ${queue}`));
          }
          window.deliver(message.fields.deliveryTag);
          if (this.#cancelled) return;
          gate.take(message.content.length);
          onDelivery(new AmqpDelivery(message, intake));
        });
        this.#stopConsumer = () => channel.cancel(consumerTag);
        // Cancelled while it was being set up.
        if (this.#cancelled) await this.#stopConsumer();
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
      const { intake: { window, gate }, tag, body } = delivery as AmqpDelivery;
      window.settle(tag);
      gate.settle(body.length);
    }
    this.#intake?.window.flush();
  }

  async cancel(): Promise<void> {
    if (this.#cancelled) return;
    this.#cancelled = true;
    // The broker's answer comes behind what it has sent.
    this.#intake?.gate.open();
    const stop = this.#stopConsumer;
    if (stop === undefined || await within(this.#answerMs, attempt(stop))) return;
    this.#channel = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cancel();
    this.#intake?.window.flushAll();
    const channel = this.#channel;
    // On the same channel as the acks: its answer says that they have arrived.
    if (channel !== undefined) await within(this.#answerMs, attempt(() => channel.close()));
    await this.#link[Symbol.asyncDispose]();
  }
}

/** A call on a channel that is gone throws; here it rejects. */
async function attempt(call: () => Promise<unknown>): Promise<void> {
  await call();
}

function sendAcks(channel: Channel): SendAck {
  return (tag, multiple) => {
    try {
      // All that amqplib reads of the message.
      channel.ack({ fields: { deliveryTag: tag } } as ConsumeMessage, multiple);
    } catch {
      // The channel is gone: the broker delivers these again.
    }
  };
}
