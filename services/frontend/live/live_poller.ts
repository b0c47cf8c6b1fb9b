import { sleep } from "#shared/lifecycle/sleep.ts";
import type { PollGate } from "./poll_gate.ts";

/** What the latest poll brought; what is true as of when, in Unix milliseconds. */
export type Outcome<Value> =
  | { readonly ok: true; readonly value: Value; readonly asOfMs: number }
  | { readonly ok: false; readonly error: unknown };

/** One viewer's place in the sequence of outcomes. */
export interface Watch<Value> extends Disposable {
  /**
   * The latest outcome that this watch has not yet returned; waits for one if
   * need be. A slow viewer skips outcomes instead of queueing them. Undefined
   * once the watch or the poller is disposed.
   */
  next(): Promise<Outcome<Value> | undefined>;
}

export interface LivePollerOptions {
  /** Pause between two polls of one key. */
  readonly intervalMs: number;
  /** Lets polls through; those that nobody bounds all run at once. */
  readonly gate?: Pick<PollGate, "run">;
  readonly sleep?: typeof sleep;
  readonly now?: () => number;
}

/**
 * Polls on behalf of everyone who watches the same key: one load at a time per
 * key however many watch it, and none for a key that nobody watches.
 */
export class LivePoller implements AsyncDisposable {
  readonly #intervalMs: number;
  readonly #gate: Pick<PollGate, "run"> | undefined;
  readonly #sleep: typeof sleep;
  readonly #now: () => number;
  // Every topic is read back under the key, and so the type, that it was put under.
  readonly #topics = new Map<string, Topic<unknown>>();
  readonly #loops = new Set<Promise<void>>();
  #disposed = false;

  constructor(options: LivePollerOptions) {
    this.#intervalMs = options.intervalMs;
    this.#gate = options.gate;
    this.#sleep = options.sleep ?? sleep;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Watches `key`, whose value `load` fetches. Those who watch a key at the
   * same time share the first one's `load`, so it must follow from the key.
   */
  watch<Value>(key: string, load: (signal: AbortSignal) => Promise<Value>): Watch<Value> {
    if (this.#disposed) return { next: () => Promise.resolve(undefined), [Symbol.dispose]() {} };
    const topic = this.#topics.get(key) as Topic<Value> | undefined ?? this.#open(key, load);
    topic.viewers++;
    let seen = 0;
    let done = false;
    let wake = () => {};
    return {
      next: async () => {
        while (!done && !topic.stop.signal.aborted) {
          if (topic.latest !== undefined && topic.version > seen) {
            seen = topic.version;
            return topic.latest;
          }
          const { promise, resolve } = Promise.withResolvers<void>();
          wake = resolve;
          topic.waiting.add(wake);
          await promise;
        }
      },
      [Symbol.dispose]: () => {
        if (done) return;
        done = true;
        wake();
        topic.waiting.delete(wake);
        topic.viewers--;
        if (topic.viewers === 0) this.#close(key, topic);
      },
    };
  }

  /** Ends every watch, and the calls under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    for (const [key, topic] of this.#topics) this.#close(key, topic);
    await Promise.all(this.#loops);
  }

  #open<Value>(key: string, load: (signal: AbortSignal) => Promise<Value>): Topic<Value> {
    const topic = new Topic<Value>();
    this.#topics.set(key, topic as Topic<unknown>);
    const loop = this.#poll(topic, load).finally(() => this.#loops.delete(loop));
    this.#loops.add(loop);
    return topic;
  }

  #close(key: string, topic: Pick<Topic<unknown>, "stop" | "wakeAll">): void {
    if (this.#topics.get(key) === topic) this.#topics.delete(key);
    topic.stop.abort();
    topic.wakeAll();
  }

  async #poll<Value>(
    topic: Topic<Value>,
    load: (signal: AbortSignal) => Promise<Value>,
  ): Promise<void> {
    const { signal } = topic.stop;
    while (!signal.aborted) {
      const outcome = await this.#settle(load, signal);
      if (signal.aborted) return;
      topic.publish(outcome);
      await this.#sleep(this.#intervalMs, signal);
    }
  }

  async #settle<Value>(
    load: (signal: AbortSignal) => Promise<Value>,
    signal: AbortSignal,
  ): Promise<Outcome<Value>> {
    // What the backend answers is at least as new as the question.
    const poll = async () => ({
      ok: true as const,
      asOfMs: this.#now(),
      value: await load(signal),
    });
    try {
      return await (this.#gate?.run(signal, poll) ?? poll());
    } catch (error) {
      return { ok: false, error };
    }
  }
}

class Topic<Value> {
  readonly stop = new AbortController();
  viewers = 0;
  version = 0;
  latest: Outcome<Value> | undefined;
  readonly waiting = new Set<() => void>();

  publish(outcome: Outcome<Value>): void {
    this.latest = outcome;
    this.version++;
    this.wakeAll();
  }

  wakeAll(): void {
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }
}
