import type { Logger } from "@logtape/logtape";
import { within } from "#shared/lifecycle/within.ts";
import type { Job, JobOutcome } from "./job.ts";
import { type JobClock, systemClock } from "./job_clock.ts";

/** Longest that closing waits for the last write, in milliseconds. */
const closingMs = 1_000;

export interface LastSeenOptions {
  /** Moves `last_seen` forward, by device id, in Unix microseconds. */
  readonly touch: (seen: ReadonlyMap<string, number>) => Promise<void>;
  /** Least time between two writes of a device, in milliseconds. */
  readonly intervalMs: number;
  readonly log: Logger;
  /** The system's unless given. */
  readonly clock?: JobClock;
}

/** Most devices that one statement touches: it holds their rows until it ends. */
const maxDevices = 1_000;
/** Pause after a write, in times of what it took: writing never takes more than a twentieth. */
const pause = 19;

/**
 * Remembers each device's newest reading and writes it down now and then, in one
 * statement for many: a row update per reading would cost more than the
 * reading. Each replica writes what it has seen itself. Of large fleets each
 * reading may be of another device; then a pass over all of them takes longer
 * than the interval, and the column lags behind the readings, which a device's
 * `last_seen` is therefore read from as well.
 */
export class LastSeen implements Job, AsyncDisposable {
  readonly name = "last_seen";
  readonly #options: LastSeenOptions;
  readonly #clock: JobClock;
  readonly #seen = new Map<string, number>();
  /** Whose turns are still to come in the pass under way. */
  #pass: string[] = [];

  constructor(options: LastSeenOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get intervalMs(): number {
    return this.#options.intervalMs;
  }

  note(deviceId: string, micros: number): void {
    const known = this.#seen.get(deviceId);
    if (known === undefined || micros > known) this.#seen.set(deviceId, micros);
  }

  /**
   * Writes down some of what is noted by now, and makes a pause, which an abort
   * ends; what cannot be written is kept for another run.
   */
  async run(signal: AbortSignal): Promise<JobOutcome> {
    if (this.#pass.length === 0) this.#pass = [...this.#seen.keys()];
    const ids = this.#pass.splice(0, maxDevices);
    if (ids.length === 0) return "done";
    const startedMs = this.#clock.nowMs();
    try {
      await this.#write(ids);
    } finally {
      await this.#clock.sleep((this.#clock.nowMs() - startedMs) * pause, signal);
    }
    return this.#pass.length > 0 ? "more" : "done";
  }

  async #write(ids: readonly string[]): Promise<void> {
    const seen = this.#take(ids);
    if (seen.size === 0) return;
    try {
      await this.#options.touch(seen);
    } catch (error) {
      for (const [deviceId, micros] of seen) this.note(deviceId, micros);
      throw error;
    }
  }

  /** With the newest instants, noted since the pass began; without what another pass has taken. */
  #take(ids: readonly string[]): ReadonlyMap<string, number> {
    const taken = new Map<string, number>();
    for (const id of ids) {
      const micros = this.#seen.get(id);
      if (micros !== undefined) taken.set(id, micros);
      this.#seen.delete(id);
    }
    return taken;
  }

  /** Writes down what is left; what cannot be written at once is lost until the next reading. */
  async [Symbol.asyncDispose](): Promise<void> {
    await within(closingMs, this.#writeLast());
  }

  async #writeLast(): Promise<void> {
    const ids = [...this.#seen.keys()];
    let failure: unknown;
    for (let at = 0; at < ids.length; at += maxDevices) {
      await this.#write(ids.slice(at, at + maxDevices)).catch((error) => failure ??= error);
    }
    if (failure === undefined) return;
    const problem = failure instanceof Error ? failure.message : String(failure);
    this.#options.log.warning("Cannot write when devices were last seen", {
      devices: this.#seen.size,
      error: problem,
    });
  }
}
