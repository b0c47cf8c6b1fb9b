import type { MessageHeaders, OutgoingMessage, QueueOptions } from "../port/broker.ts";

/** A message in a memory queue. */
export interface StoredMessage {
  readonly body: Uint8Array;
  readonly headers: MessageHeaders;
  readonly contentType: string | undefined;
  redelivered: boolean;
}

/** Something that takes messages while it has room for them. */
export interface MemoryConsumer {
  readonly room: number;
  take(message: StoredMessage): void;
}

/** Messages that a queue holds before it makes publishers wait. */
const capacity = 100_000;

/**
 * First in, first out; what a consumer gives back goes to the front again. A
 * message is confirmed once it is among the first 100,000, so that a slow
 * consumer slows publishers, and their windows bound the memory.
 */
export class MemoryQueue {
  readonly options: QueueOptions;
  #messages: StoredMessage[] = [];
  #head = 0;
  readonly #consumers: MemoryConsumer[] = [];
  #nextConsumer = 0;
  readonly #waiting: (() => void)[] = [];
  #dispatching = false;

  constructor(options: QueueOptions) {
    this.options = options;
  }

  /** Messages that no consumer has in hand. */
  get length(): number {
    return this.#messages.length - this.#head;
  }

  get consumed(): boolean {
    return this.#consumers.length > 0;
  }

  /** Resolves once the message is within the capacity. */
  push(
    { body, headers = {}, contentType = "application/protobuf" }: OutgoingMessage,
  ): Promise<void> {
    // As over a wire: whoever sent it may use the bytes for the next one.
    this.#messages.push({
      body: body.slice(),
      headers,
      contentType: contentType ?? undefined,
      redelivered: false,
    });
    this.#dispatchSoon();
    if (this.length <= capacity) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    return promise;
  }

  /** Puts messages that were not acked back to the front, in their order. */
  giveBack(messages: readonly StoredMessage[]): void {
    for (const message of messages) message.redelivered = true;
    this.#messages = [...messages, ...this.#messages.slice(this.#head)];
    this.#head = 0;
    this.#dispatchSoon();
  }

  attach(consumer: MemoryConsumer): void {
    this.#consumers.push(consumer);
    this.#dispatchSoon();
  }

  detach(consumer: MemoryConsumer): void {
    const at = this.#consumers.indexOf(consumer);
    if (at >= 0) this.#consumers.splice(at, 1);
  }

  /** To be called when a consumer has room again. */
  wake(): void {
    this.#dispatchSoon();
  }

  #dispatchSoon(): void {
    if (this.#dispatching) return;
    this.#dispatching = true;
    queueMicrotask(() => {
      this.#dispatching = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.length > 0) {
      const consumer = this.#consumerWithRoom();
      if (consumer === undefined) break;
      consumer.take(this.#messages[this.#head++]!);
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#head);
      this.#head = 0;
    }
    const over = Math.max(0, this.length - capacity);
    while (this.#waiting.length > over) this.#waiting.shift()!();
  }

  /** Consumers take turns, as RabbitMQ's do. */
  #consumerWithRoom(): MemoryConsumer | undefined {
    for (let tried = 0; tried < this.#consumers.length; tried++) {
      const consumer = this.#consumers[this.#nextConsumer++ % this.#consumers.length]!;
      if (consumer.room > 0) return consumer;
    }
    return undefined;
  }
}

/** The queues of one process, by name: what `memory://` connects to. */
export class MemoryQueues {
  readonly #queues = new Map<string, MemoryQueue>();

  /** The queue of that name; made if there is none. */
  declare(name: string, options: QueueOptions): MemoryQueue {
    let queue = this.#queues.get(name);
    if (queue === undefined) this.#queues.set(name, queue = new MemoryQueue(options));
    return queue;
  }

  /** Messages that a consumer is there for, and has not in hand. */
  get awaited(): number {
    const consumed = [...this.#queues.values()].filter((queue) => queue.consumed);
    return consumed.reduce((sum, { length }) => sum + length, 0);
  }
}
