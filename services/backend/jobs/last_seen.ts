import type { Logger } from "@logtape/logtape";
import { within } from "#shared/lifecycle/within.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { LaggingDevices, SeenDevices } from "../store/devices/lagging_devices.ts";
import type { Job, JobOutcome } from "./job.ts";
import { type JobClock, systemClock } from "./job_clock.ts";

/** Longest that closing waits for the last write, in milliseconds. */
const closingMs = 1_000;

export interface LastSeenOptions {
  readonly lagging: LaggingDevices;
  /** Brings the rows of some devices up to date: when they were last seen, and their newest readings. */
  readonly refresh: (tenantId: TenantId, seen: SeenDevices) => Promise<void>;
  /** Least time between two writes of a device, in milliseconds. */
  readonly intervalMs: number;
  readonly log: Logger;
  /** The system's unless given. */
  readonly clock?: JobClock;
}

/** Most devices that one statement writes: it holds their rows until it ends. */
const maxDevices = 1_000;
/** Pause after a write, in times of what it took: writing never takes more than a twentieth. */
const pause = 19;
/** Longest pause, in milliseconds: what took so long had to wait for others. */
const longestPauseMs = 30_000;

/**
 * Brings the rows of devices up to date now and then, in one statement for many.
 * Each replica writes of those that it has stored readings of itself. Of large
 * fleets each reading may be of another device; then a pass over all of them
 * takes longer than the interval, and the rows lag behind for longer.
 */
export class LastSeen implements Job, AsyncDisposable {
  readonly name = "last_seen";
  readonly #options: LastSeenOptions;
  readonly #clock: JobClock;

  constructor(options: LastSeenOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get intervalMs(): number {
    return this.#options.intervalMs;
  }

  /**
   * Writes of some devices that wait by now, and makes a pause, which an abort
   * ends; what cannot be written waits for another run.
   */
  async run(signal: AbortSignal): Promise<JobOutcome> {
    const { lagging, refresh } = this.#options;
    const part = lagging.next(maxDevices);
    if (part === undefined) return "done";
    const startedMs = this.#clock.nowMs();
    try {
      await lagging.refresh(part, refresh);
    } finally {
      const pauseMs = (this.#clock.nowMs() - startedMs) * pause;
      await this.#clock.sleep(Math.min(pauseMs, longestPauseMs), signal);
    }
    return lagging.inPass ? "more" : "done";
  }

  /** Writes what is left; of what cannot be written at once, the mark tells others. */
  async [Symbol.asyncDispose](): Promise<void> {
    await within(closingMs, this.#writeLast());
  }

  async #writeLast(): Promise<void> {
    const { lagging, refresh, log } = this.#options;
    let failure: unknown;
    // What fails waits again, and is not tried again.
    for (let left = lagging.size; left > 0;) {
      const part = lagging.next(maxDevices);
      if (part === undefined) break;
      left -= part.seen.size;
      await lagging.refresh(part, refresh).catch((error) => failure ??= error);
    }
    await lagging.keepMark({ atEnd: true }).catch((error) => failure ??= error);
    if (failure === undefined) return;
    const problem = failure instanceof Error ? failure.message : String(failure);
    log.warning("Cannot write when devices were last seen", {
      devices: lagging.size,
      error: problem,
    });
  }
}
