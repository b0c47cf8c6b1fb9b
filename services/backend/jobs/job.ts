/** Each is the label of its job's metrics. */
export type JobName =
  | "compact_history"
  | "expire_parked"
  | "last_seen"
  | "make_partitions"
  | "measure_storage"
  | "mend_devices"
  | "release_parked"
  | "retention"
  | "roll_up"
  | "writer_mark";

/**
 * How a run ended:
 * - `done`: all that was there to do, so that the next turn is after the interval;
 * - `more`: as much as one run does, so that the next one follows at once;
 * - `elsewhere`: another replica was at it (`onOneReplica`); no run of this one.
 */
export type JobOutcome = "done" | "more" | "elsewhere";

/** What the backend does now and then. */
export interface Job {
  readonly name: JobName;
  /** From the end of a run to the next one, in milliseconds. */
  readonly intervalMs: number;
  /**
   * Does some of it, in little time: all jobs share one connection. Aborted, it
   * may end early, and throw the signal's reason; a second later it is left to itself.
   */
  run(signal: AbortSignal): Promise<JobOutcome>;
}
