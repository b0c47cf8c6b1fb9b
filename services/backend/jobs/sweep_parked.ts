import type { Logger } from "@logtape/logtape";
import { sleep } from "#shared/lifecycle/sleep.ts";
import { within } from "#shared/lifecycle/within.ts";

/** Longest that closing waits for a move under way, which is committed whole or not at all. */
const closingMs = 1_000;

export interface SweepOptions {
  /** Moves up to some number of parked readings; how many it found. */
  readonly move: () => Promise<number>;
  readonly intervalMs: number;
  readonly log: Logger;
}

/** Moves, now and once an interval, the parked readings that are due to go somewhere. */
export function sweepParked({ move, intervalMs, log }: SweepOptions): AsyncDisposable {
  const closing = new AbortController();
  const running = (async () => {
    while (!closing.signal.aborted) {
      try {
        if (await move() > 0) continue;
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error);
        log.warning("Cannot move parked readings; tried again", { error: problem });
      }
      await sleep(intervalMs, closing.signal);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      closing.abort();
      await within(closingMs, running);
    },
  };
}
