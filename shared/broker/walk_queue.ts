import type { Channel, ConsumeMessage } from "amqplib";
import { StartError } from "#shared/lifecycle/start_error.ts";
import type { SingleConnection } from "./connect_once.ts";

/** What becomes of a message that a walk has come to. */
export type Verdict = "leave" | "remove";

/** A message as the walk finds it. */
export type WalkedMessage = Pick<ConsumeMessage, "content" | "properties">;

export interface WalkOptions {
  readonly link: SingleConnection;
  readonly queue: string;
  /** Messages from the head of the queue, at most. */
  readonly maxMessages: number;
  /** Messages that the first consumer may have in hand at once, from 1; 16 unless given. */
  readonly firstPrefetch?: number;
  /** Called in the order of the queue. A promise is waited for before the message is removed. */
  readonly visit: (message: WalkedMessage) => Verdict | Promise<Verdict>;
  /** Asked after each message; the walk ends early once it is true. */
  readonly enough?: () => boolean;
  /** Ends the walk early. */
  readonly signal: AbortSignal;
}

export interface Walked {
  readonly visited: number;
  readonly removed: number;
}

/** The most that AMQP can say. */
const largestPrefetch = 65_535;
/** Time between two looks whether others took what is waited for, and looks before giving up. */
const lookMs = 200;
const maxIdleLooks = 25;

/**
 * Goes once through the messages of a queue and removes those that `visit`
 * says; the others go back to their places when its channel closes, whatever
 * ends it. Nothing is kept of a message once its verdict is in.
 *
 * What is left alone stays unacked until the end, or it would be delivered
 * again. Each consumer takes twice what the one before could hold: a quorum
 * queue takes messages back in the order of up to 32 consumers of a channel,
 * and no unlimited prefetch. It also takes them back behind those that were
 * returned before, so that its order is kept only by going through all of it.
 *
 * @throws {StartError} when the connection is lost, or the queue cannot be read.
 * @throws what `visit` throws; messages whose verdict was in are removed.
 */
export async function walkQueue(options: WalkOptions): Promise<Walked> {
  const { link } = options;
  const channel = await Promise.race([link.connection.createChannel(), link.lost]);
  const walk = new Walk(channel, options);
  try {
    return await Promise.race([walk.run(), walk.failed, link.lost]);
  } finally {
    walk.end();
    // The answer says that the acks have arrived; a channel that is gone throws instead.
    await Promise.race([(async () => await channel.close())(), link.lost]).catch(() => {});
  }
}

class Walk {
  readonly #channel: Channel;
  readonly #options: WalkOptions;
  readonly #pending = new Set<Promise<void>>();
  readonly #failure = Promise.withResolvers<never>();
  #visited = 0;
  #removed = 0;
  #over = false;
  /** Called at each step that may end a wait. */
  #stepped: () => void = () => {};

  constructor(channel: Channel, options: WalkOptions) {
    this.#channel = channel;
    this.#options = options;
    this.failed.catch(() => {});
    channel.on("error", (error) => this.#fail(error));
    channel.on("close", () => this.#fail(new Error("the channel closed")));
  }

  /** Rejects when the walk cannot go on. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  end(): void {
    this.#over = true;
    this.#stepped();
  }

  async run(): Promise<Walked> {
    const { signal, firstPrefetch = 16 } = this.#options;
    const onAbort = () => this.end();
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      let prefetch = firstPrefetch;
      let consumer = 1;
      while (!this.#finished) {
        await this.#consume(prefetch, consumer++);
        prefetch = Math.min(2 * prefetch, largestPrefetch);
      }
      while (this.#pending.size > 0) await Promise.all(this.#pending);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
    return { visited: this.#visited, removed: this.#removed };
  }

  get #finished(): boolean {
    const { maxMessages, enough } = this.#options;
    return this.#over || this.#visited >= maxMessages || (enough?.() ?? false);
  }

  /** Takes messages until it has left `prefetch` of them alone, or the walk is over. */
  async #consume(prefetch: number, consumer: number): Promise<void> {
    const channel = this.#channel;
    const { queue } = this.#options;
    let left = 0;
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    this.#stepped = () => {
      if (left === prefetch || this.#finished) resolve();
    };
    await channel.prefetch(prefetch);
    const { consumerTag } = await channel.consume(queue, (message) => {
      if (message === null) return this.#fail(new Error(`queue ${queue} was deleted`));
      // What comes after the end goes back with the rest.
      if (this.#finished) return;
      this.#visit(message, () => left++);
    }, {
      // The order that a quorum queue takes consumers' messages back in is that of their tags.
      consumerTag: `walk-${String(consumer).padStart(6, "0")}`,
    });
    const watch = this.#watchForEnd();
    try {
      await stopped;
    } finally {
      clearInterval(watch);
    }
    await channel.cancel(consumerTag);
  }

  #visit(message: ConsumeMessage, onLeft: () => void): void {
    this.#visited++;
    const settle = (verdict: Verdict) => {
      if (verdict === "remove") {
        this.#channel.ack(message);
        this.#removed++;
      } else {
        onLeft();
      }
      this.#stepped();
    };
    try {
      const verdict = this.#options.visit(message);
      if (typeof verdict === "string") return settle(verdict);
      const pending = verdict.then(settle).catch((error) => this.#fail(error))
        .finally(() => this.#pending.delete(pending));
      this.#pending.add(pending);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Ends the walk when the messages still expected are not there: other consumers took them. */
  #watchForEnd(): ReturnType<typeof setInterval> {
    let before = -1;
    let idleLooks = 0;
    return setInterval(async () => {
      const idle = this.#visited === before && this.#pending.size === 0;
      before = this.#visited;
      if (!idle) {
        idleLooks = 0;
        return;
      }
      try {
        const { messageCount } = await this.#channel.checkQueue(this.#options.queue);
        if (messageCount === 0 || ++idleLooks >= maxIdleLooks) this.end();
      } catch (error) {
        this.#fail(error);
      }
    }, lookMs);
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    const { queue } = this.#options;
    const reason = error instanceof Error ? error.message : String(error);
    this.#failure.reject(
      error instanceof StartError
        ? error
        : new StartError(`Cannot go through queue ${queue}: ${reason}`, { cause: error }),
    );
  }
}
