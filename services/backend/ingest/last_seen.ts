import type { Logger } from "@logtape/logtape";
import { sleep } from "#shared/lifecycle/sleep.ts";

export interface LastSeenOptions {
  /** Moves `last_seen` forward, by device id, in Unix microseconds. */
  readonly touch: (seen: ReadonlyMap<string, number>) => Promise<void>;
  /** Time between two writes, in milliseconds. */
  readonly intervalMs: number;
  readonly log: Logger;
}

/**
 * Remembers each device's newest reading and writes it down once an interval,
 * in one statement for all: a row update per reading would cost more than the
 * reading.
 */
export class LastSeen implements AsyncDisposable {
  readonly #options: LastSeenOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #seen = new Map<string, number>();

  constructor(options: LastSeenOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  note(deviceId: string, micros: number): void {
    const known = this.#seen.get(deviceId);
    if (known === undefined || micros > known) this.#seen.set(deviceId, micros);
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await sleep(this.#options.intervalMs, this.#closing.signal);
      await this.#flush();
    }
    // What was noted while the last write was under way.
    await this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#seen.size === 0) return;
    const seen = this.#seen;
    this.#seen = new Map();
    try {
      await this.#options.touch(seen);
    } catch (error) {
      for (const [deviceId, micros] of seen) this.note(deviceId, micros);
      const problem = error instanceof Error ? error.message : String(error);
      this.#options.log.warning("Cannot write when devices were last seen; tried again", {
        devices: seen.size,
        error: problem,
      });
    }
  }

  /** Writes down what is left; what cannot be written then is lost until the next reading. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }
}
