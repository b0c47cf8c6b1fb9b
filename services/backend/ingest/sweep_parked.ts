import type { Logger } from "@logtape/logtape";
import { sleep } from "#shared/lifecycle/sleep.ts";
import { within } from "#shared/lifecycle/within.ts";

/** Longest that closing waits for a release under way, which is committed whole or not at all. */
const closingMs = 1_000;

export interface SweepOptions {
  /** Releases up to some number of parked readings; how many it found. */
  readonly release: () => Promise<number>;
  readonly intervalMs: number;
  readonly log: Logger;
}

/** Releases, now and once an interval, the parked readings that a race left behind. */
export function sweepParked({ release, intervalMs, log }: SweepOptions): AsyncDisposable {
  const closing = new AbortController();
  const running = (async () => {
    while (!closing.signal.aborted) {
      try {
        const released = await release();
        if (released > 0) {
          log.info("Released parked readings", { released });
          continue;
        }
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error);
        log.warning("Cannot look for parked readings; tried again", { error: problem });
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
