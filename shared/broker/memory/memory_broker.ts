import type {
  Broker,
  Delivery,
  OutgoingMessage,
  Publisher,
  PublisherOptions,
  QueueOptions,
  Subscription,
  SubscriptionOptions,
} from "../port/broker.ts";
import { PublishError } from "../port/broker.ts";
import { checkQueueOptions } from "../port/queue_mismatch.ts";
import { UnconfirmedWindow } from "../port/unconfirmed_window.ts";
import type { MemoryConsumer, MemoryQueue, MemoryQueues, StoredMessage } from "./memory_queues.ts";

/** The queues of this process, behind the same port as RabbitMQ. */
export class MemoryBroker implements Broker {
  readonly ready = true;
  readonly #queues: MemoryQueues;
  readonly #options: QueueOptions;
  readonly #open: AsyncDisposable[] = [];

  constructor(queues: MemoryQueues, options: QueueOptions) {
    this.#queues = queues;
    this.#options = options;
  }

  openPublisher({ queues, maxUnconfirmed }: PublisherOptions): Promise<Publisher> {
    return Promise.try(() => {
      const declared = new Map(queues.map((name) => [name, this.#declare(name)]));
      return this.#opened(new MemoryPublisher(declared, maxUnconfirmed));
    });
  }

  subscribe({ queue, prefetch, onDelivery }: SubscriptionOptions): Promise<Subscription> {
    return Promise.try(() =>
      this.#opened(new MemorySubscription(this.#declare(queue), prefetch, onDelivery))
    );
  }

  #declare(name: string): MemoryQueue {
    const queue = this.#queues.declare(name, this.#options);
    checkQueueOptions(name, queue.options, this.#options);
    return queue;
  }

  #opened<End extends AsyncDisposable>(end: End): End {
    this.#open.push(end);
    return end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#open.map((end) => end[Symbol.asyncDispose]()));
  }
}

class MemoryPublisher implements Publisher {
  readonly #queues: ReadonlyMap<string, MemoryQueue>;
  readonly #window: UnconfirmedWindow;
  /** What fails each message that is not confirmed. */
  readonly #pending = new Set<(error: PublishError) => void>();
  #closed = false;

  constructor(queues: ReadonlyMap<string, MemoryQueue>, maxUnconfirmed: number) {
    this.#queues = queues;
    this.#window = new UnconfirmedWindow(maxUnconfirmed);
  }

  get unconfirmed(): number {
    return this.#window.size;
  }

  async publish(queue: string, message: OutgoingMessage): Promise<void> {
    if (this.#closed) throw new PublishError(`Cannot publish to ${queue}: the publisher is closed`);
    const target = this.#queues.get(queue);
    if (target === undefined) {
      throw new PublishError(`Cannot publish to ${queue}: the publisher was not opened for it`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#pending.add(reject);
    this.#window.enter();
    target.push(message).then(resolve);
    try {
      await promise;
    } finally {
      this.#pending.delete(reject);
      this.#window.leave();
    }
  }

  room(): Promise<void> {
    return this.#window.room();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const error = new PublishError("Cannot publish: the publisher closed before the confirm");
    for (const fail of this.#pending) fail(error);
    this.#window.releaseAll();
    return Promise.resolve();
  }
}

class MemorySubscription implements Subscription, MemoryConsumer {
  readonly #queue: MemoryQueue;
  readonly #prefetch: number;
  readonly #onDelivery: (delivery: Delivery) => void;
  readonly #inHand = new Map<Delivery, StoredMessage>();

  constructor(queue: MemoryQueue, prefetch: number, onDelivery: (delivery: Delivery) => void) {
    this.#queue = queue;
    this.#prefetch = prefetch;
    this.#onDelivery = onDelivery;
    queue.attach(this);
  }

  get room(): number {
    return this.#prefetch - this.#inHand.size;
  }

  take(message: StoredMessage): void {
    const delivery: Delivery = {
      body: message.body,
      headers: message.headers,
      contentType: message.contentType,
      redelivered: message.redelivered,
    };
    this.#inHand.set(delivery, message);
    this.#onDelivery(delivery);
  }

  ack(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.#inHand.delete(delivery);
    this.#queue.wake();
  }

  cancel(): Promise<void> {
    this.#queue.detach(this);
    return Promise.resolve();
  }

  async [Symbol.asyncDispose]() {
    await this.cancel();
    const unacked = [...this.#inHand.values()];
    this.#inHand.clear();
    if (unacked.length > 0) this.#queue.giveBack(unacked);
  }
}
