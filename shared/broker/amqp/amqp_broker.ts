import type { Logger } from "@logtape/logtape";
import type {
  Broker,
  Publisher,
  PublisherOptions,
  QueueOptions,
  Subscription,
  SubscriptionOptions,
} from "../port/broker.ts";
import { AmqpPublisher } from "./amqp_publisher.ts";
import { AmqpSubscription } from "./amqp_subscription.ts";

export interface AmqpBrokerOptions {
  readonly url: URL;
  readonly queues: QueueOptions;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Longest that a subscription which closes waits for each answer. 1.5 s, if not given. */
  readonly answerMs?: number;
}

/**
 * RabbitMQ over AMQP 0-9-1. Every publisher and subscription has a connection
 * of its own: a broker that is short of memory stops reading from publishers,
 * and acks must still get through.
 */
export class AmqpBroker implements Broker {
  readonly #options: AmqpBrokerOptions;
  readonly #open: (AmqpPublisher | AmqpSubscription)[] = [];

  constructor(options: AmqpBrokerOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return this.#open.length > 0 && this.#open.every((end) => end.up);
  }

  openPublisher(options: PublisherOptions): Promise<Publisher> {
    return this.#opened(new AmqpPublisher(options, this.#options));
  }

  subscribe(options: SubscriptionOptions): Promise<Subscription> {
    return this.#opened(new AmqpSubscription(options, this.#options));
  }

  async #opened<End extends AmqpPublisher | AmqpSubscription>(end: End): Promise<End> {
    this.#open.push(end);
    await end.open(this.#options.signal);
    return end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#open.map((end) => end[Symbol.asyncDispose]()));
  }
}
