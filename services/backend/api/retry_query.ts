import { backoffMs } from "#shared/lifecycle/backoff.ts";
import { sleep } from "#shared/lifecycle/sleep.ts";
import { isTransient } from "../store/write_failure.ts";

const maxTries = 5;

/**
 * Runs a query, at most 5 times while the database is away or its session was
 * lost, with backoff; not again once `signal` says that nobody waits for it.
 */
export async function retryQuery<Result>(
  signal: AbortSignal,
  query: () => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1;; attempt++) {
    try {
      return await query();
    } catch (error) {
      if (attempt === maxTries || signal.aborted || !isTransient(error)) throw error;
      await sleep(backoffMs(attempt), signal);
      if (signal.aborted) throw error;
    }
  }
}
