import type { Logger } from "@logtape/logtape";
import { sleep } from "#shared/lifecycle/sleep.ts";
import { within } from "#shared/lifecycle/within.ts";

/** Longest that closing waits for the last write, in milliseconds. */
const closingMs = 1_000;

export interface LastSeenOptions {
  /** Moves `last_seen` forward, by device id, in Unix microseconds. */
  readonly touch: (seen: ReadonlyMap<string, number>) => Promise<void>;
  /** Least time between two writes of a device, in milliseconds. */
  readonly intervalMs: number;
  readonly log: Logger;
  /** The time that it goes by; the system's unless given. */
  readonly clock?: { nowMs(): number; sleep: typeof sleep };
}

const systemClock = { nowMs: () => performance.now(), sleep };

/** Most devices that one statement touches: it holds their rows until it ends. */
const maxDevices = 1_000;
/** Pause after a write, in times of what it took: writing never takes more than a twentieth. */
const pause = 19;

/**
 * Remembers each device's newest reading and writes it down now and then, in one
 * statement for many: a row update per reading would cost more than the
 * reading. Of large fleets each reading may be of another device; then a pass
 * over all of them takes longer than the interval, and the column lags behind
 * the readings, which a device's `last_seen` is therefore read from as well.
 */
export class LastSeen implements AsyncDisposable {
  readonly #options: LastSeenOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  readonly #seen = new Map<string, number>();

  constructor(options: LastSeenOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  note(deviceId: string, micros: number): void {
    const known = this.#seen.get(deviceId);
    if (known === undefined || micros > known) this.#seen.set(deviceId, micros);
  }

  async #run(): Promise<void> {
    const { clock = systemClock } = this.#options;
    while (!this.#closing.signal.aborted) {
      await clock.sleep(this.#options.intervalMs, this.#closing.signal);
      await this.#flush();
    }
    // What was noted while the last write was under way.
    await this.#flush();
  }

  /** Writes down what is noted by now, some at a time. */
  async #flush(): Promise<void> {
    const { clock = systemClock } = this.#options;
    const ids = [...this.#seen.keys()];
    for (let at = 0; at < ids.length; at += maxDevices) {
      const startedMs = clock.nowMs();
      await this.#write(this.#take(ids.slice(at, at + maxDevices)));
      await clock.sleep((clock.nowMs() - startedMs) * pause, this.#closing.signal);
    }
  }

  /** With the newest instants, noted since the pass began. */
  #take(ids: readonly string[]): ReadonlyMap<string, number> {
    const taken = new Map(ids.map((id) => [id, this.#seen.get(id)!]));
    for (const id of ids) this.#seen.delete(id);
    return taken;
  }

  async #write(seen: ReadonlyMap<string, number>): Promise<void> {
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

  /** Writes down what is left; what cannot be written at once is lost until the next reading. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await within(closingMs, this.#running);
  }
}
