import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { sleep } from "#shared/lifecycle/sleep.ts";
import type { SingleConnection } from "./connect_once.ts";
import { queueSize } from "./queue_size.ts";
import { type Verdict, WalkChannel, type WalkedMessage } from "./walk_channel.ts";

export interface WalkOptions {
  readonly link: SingleConnection;
  readonly queue: string;
  /** Messages from the head of the queue, at most. */
  readonly maxMessages: number;
  /** Messages that may be on their way at once, from 1; 512 unless given. */
  readonly maxInHand?: number;
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
  /**
   * Why it ended: it came to `maxMessages`, had enough, was stopped, or the
   * broker has no more to give, since others took what was there.
   */
  readonly end: "all" | "enough" | "stopped" | "gone";
}

/** Channels of one walk, at most: RabbitMQ allows a connection 2,047. */
const maxChannels = 1_000;
/** Time between two looks at a queue of which nothing comes. */
const lookMs = 200;
/** Looks, one after the other, that find the queue empty before the rest is taken for gone. */
const emptyLooks = 3;
/** Looks that find messages which don't come before the broker is taken for stuck. */
const stuckLooks = 150;
/** Time between two looks whether what went back is counted, and looks before others must have it. */
const countingMs = 20;
const countingLooks = 250;

/**
 * Goes once through the messages of a queue and removes those that `visit`
 * says; the others go back to their places at the end. Nothing is kept of a
 * message once its verdict is in.
 *
 * What is left alone stays unacked until the end, or it would be delivered
 * again. It fills up its channel, and the walk goes on with the next one: a
 * broker looks for the message that an ack names among all those of its channel
 * before it, which on a single one would take time by the square. The channels
 * give back what they hold one after the other, since a quorum queue puts what
 * is returned behind what was returned before. For the same reason it keeps its
 * order only when all of it is gone through, and not when the process is killed.
 *
 * @throws {ExitError} when the connection is lost, the queue cannot be read, or
 *   `visit` throws; messages whose verdict was in are removed.
 */
export async function walkQueue(options: WalkOptions): Promise<Walked> {
  const { link, signal, queue } = options;
  const walk = new Walk(options);
  const onAbort = () => walk.end("stopped");
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const walked = await Promise.race([walk.run(), walk.failed, link.lost]);
    // Only then have the acks arrived.
    await Promise.race([walk.giveBack(), link.lost]);
    return walked;
  } catch (error) {
    walk.end("stopped");
    // What is on a channel that is gone has gone back already.
    await Promise.race([walk.giveBack(), link.lost]).catch(() => {});
    if (error instanceof ExitError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ExitError(`Cannot go through queue ${queue}: ${reason}`, { cause: error });
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

class Walk {
  readonly #options: WalkOptions;
  readonly #inHand: number;
  readonly #channels: WalkChannel[] = [];
  readonly #pending = new Set<Promise<void>>();
  readonly #failure = Promise.withResolvers<never>();
  #visited = 0;
  #removed = 0;
  #end: Walked["end"] | undefined;
  /** Called at each step that may end a wait. */
  #stepped: () => void = () => {};

  constructor(options: WalkOptions) {
    this.#options = options;
    const { maxInHand = 512, maxMessages } = options;
    this.#inHand = Math.max(maxInHand, Math.ceil(maxMessages / maxChannels));
    this.failed.catch(() => {});
  }

  /** Rejects when the walk cannot go on. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  end(why: Walked["end"]): void {
    this.#end ??= why;
    this.#stepped();
  }

  async run(): Promise<Walked> {
    while (!this.#over) await this.#fillChannel();
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    return { visited: this.#visited, removed: this.#removed, end: this.#end! };
  }

  get #over(): boolean {
    const { maxMessages, enough } = this.#options;
    if (this.#visited >= maxMessages) this.#end ??= "all";
    else if (enough?.() ?? false) this.#end ??= "enough";
    return this.#end !== undefined;
  }

  /** Takes messages until a channel can hold no more of them, or the walk is over. */
  async #fillChannel(): Promise<void> {
    const { link, queue, maxMessages } = this.#options;
    const channel = await WalkChannel.open(link, {
      queue,
      maxInHand: Math.min(this.#inHand, maxMessages - this.#visited),
      onMessage: (message, settle) => this.#visit(message, settle),
      onFailure: (error) => this.#failure.reject(error),
    });
    this.#channels.push(channel);
    const { promise: done, resolve } = Promise.withResolvers<void>();
    this.#stepped = () => {
      if (channel.full || this.#over) resolve();
    };
    this.#stepped();
    const watching = new AbortController();
    this.#watch(channel, watching.signal).catch(this.#failure.reject);
    await done;
    watching.abort();
    await channel.stop();
  }

  #visit(message: WalkedMessage, settle: (verdict: Verdict) => void): void {
    // What comes after the end goes back with the rest.
    if (this.#over) return;
    this.#visited++;
    const settled = (verdict: Verdict) => {
      settle(verdict);
      if (verdict === "remove") this.#removed++;
      this.#stepped();
    };
    try {
      const verdict = this.#options.visit(message);
      if (typeof verdict === "string") return settled(verdict);
      const pending = verdict.then(settled).catch(this.#failure.reject)
        .finally(() => this.#pending.delete(pending));
      this.#pending.add(pending);
    } catch (error) {
      this.#failure.reject(error);
    }
  }

  /** Ends the walk when the broker, asked while nothing is on its way, has nothing more. */
  async #watch(channel: WalkChannel, signal: AbortSignal): Promise<void> {
    let before = -1;
    let empty = 0;
    let stuck = 0;
    for (;;) {
      await sleep(lookMs, signal);
      if (signal.aborted) return;
      const idle = () => this.#visited === before && this.#pending.size === 0;
      const waiting = idle() ? await channel.waiting() : undefined;
      if (waiting === undefined || !idle()) empty = stuck = 0;
      else if (waiting > 0) [empty, stuck] = [0, stuck + 1];
      else empty++;
      if (empty === emptyLooks) return this.end("gone");
      if (stuck === stuckLooks) {
        throw new Error(`it has ${waiting} messages, and the broker delivers none`);
      }
      before = this.#visited;
    }
  }

  /** In the order of the queue; resolves once they can be seen there. */
  async giveBack(): Promise<void> {
    for (let next; (next = this.#channels.shift()) !== undefined;) await next.giveBack();
    const { link, queue } = this.#options;
    const left = this.#visited - this.#removed;
    // RabbitMQ says that a channel is closed before the queue counts what it held.
    for (let look = 0; look < countingLooks && left > 0; look++) {
      const size = await queueSize(link, queue);
      if (size === undefined || size.messages >= left) return;
      await sleep(countingMs);
    }
  }
}
