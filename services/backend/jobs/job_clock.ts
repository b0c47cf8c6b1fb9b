import { sleep } from "#shared/lifecycle/sleep.ts";

/** The time that jobs go by: the system's, or a test's. */
export interface JobClock {
  /** Milliseconds since some instant; never set. */
  nowMs(): number;
  readonly sleep: typeof sleep;
}

export const systemClock: JobClock = { nowMs: () => performance.now(), sleep };
