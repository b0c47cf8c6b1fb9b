/**
 * The port between the services and the queue. Two drivers keep its contract
 * and pass the same tests: `amqp(s)://` and `memory://`.
 */

/** What a message carries beside its body; values as AMQP knows them. */
export type MessageHeaders = Readonly<Record<string, unknown>>;

/** What a producer may say of a message beside its headers, and readers may rely on. */
export interface MessageProperties {
  readonly messageId?: string;
  readonly correlationId?: string;
  /** Unix seconds. */
  readonly timestamp?: number;
  readonly type?: string;
  readonly appId?: string;
}

export interface OutgoingMessage {
  readonly body: Uint8Array;
  readonly headers?: MessageHeaders;
  /** `application/protobuf` unless given; null for none. */
  readonly contentType?: string | null;
}

export interface Publisher extends AsyncDisposable {
  /**
   * Sends a persistent message to `queue`; resolves once the broker has
   * confirmed it. Unconfirmed messages are sent again after a reconnect, so one
   * may arrive twice.
   *
   * @throws {PublishError} when the broker refused it 5 times, AMQP cannot carry
   *   its headers, or the publisher closed.
   */
  publish(queue: string, message: OutgoingMessage): Promise<void>;
  /** Resolves when fewer than `maxUnconfirmed` messages await their confirm. */
  room(): Promise<void>;
  /** Messages sent and not yet confirmed. */
  readonly unconfirmed: number;
}

export interface PublisherOptions {
  /** The queues it will publish to; declared before the first message. */
  readonly queues: readonly string[];
  /** Messages that may await their confirm at once, at least 1. */
  readonly maxUnconfirmed: number;
}

/** A message in a consumer's hands. Unless acked, it is delivered again. */
export interface Delivery {
  readonly body: Uint8Array;
  readonly headers: MessageHeaders;
  readonly contentType: string | undefined;
  readonly redelivered: boolean;
  /** What else its producer said of it; only what was said. */
  readonly properties?: MessageProperties;
}

export interface Subscription extends AsyncDisposable {
  /**
   * Settles deliveries for good, in any order. Those of a connection that is
   * gone are passed over: the broker delivers them again.
   */
  ack(deliveries: readonly Delivery[]): void;
  /** Stops new deliveries; those in hand may still be acked. */
  cancel(): Promise<void>;
}

export interface SubscriptionOptions {
  readonly queue: string;
  /** Deliveries that may be in hand at once, at least 1. */
  readonly prefetch: number;
  readonly onDelivery: (delivery: Delivery) => void;
  /** All deliveries so far are of a connection that is gone; what was not acked comes again. */
  readonly onLost?: () => void;
}

export interface Broker extends AsyncDisposable {
  /** True while every connection is up and what was asked for is declared. */
  readonly ready: boolean;
  /**
   * Resolves once connected; while the broker is away it keeps trying, with
   * backoff 100 ms to 10 s.
   *
   * @throws {ExitError} when no retry can help: bad credentials, no such
   *   virtual host, a queue that exists with other properties.
   */
  openPublisher(options: PublisherOptions): Promise<Publisher>;
  /** As `openPublisher`; goes on over reconnects until disposed. */
  subscribe(options: SubscriptionOptions): Promise<Subscription>;
}

/** How queues are declared. */
export interface QueueOptions {
  readonly durable: boolean;
  readonly type: "classic" | "quorum";
}

/** A message that the broker did not take. */
export class PublishError extends Error {
  override readonly name = "PublishError";
}

/** Where messages of `queue` go that no retry can make readable. */
export function deadLetterQueue(queue: string): string {
  return `${queue}.dead`;
}
