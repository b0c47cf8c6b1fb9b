import { setImmediate } from "node:timers";
import { sleep } from "#shared/lifecycle/sleep.ts";

/** The time that publishing goes by: the system's, or a test's. */
export interface Clock {
  /** Microseconds since 1970, whole. */
  nowUs(): number;
  /** Resolves after `ms` milliseconds, or as soon as `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Lets sockets, timers and requests have a turn. */
  breathe(): Promise<void>;
}

export const systemClock: Clock = {
  nowUs: () => Date.now() * 1_000,
  sleep,
  breathe() {
    const { promise, resolve } = Promise.withResolvers<void>();
    setImmediate(resolve);
    return promise;
  },
};
