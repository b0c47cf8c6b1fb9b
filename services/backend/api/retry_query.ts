import { backoffMs } from "#shared/lifecycle/backoff.ts";
import { sleep } from "#shared/lifecycle/sleep.ts";
import { writeFailure } from "../store/write_failure.ts";

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

/** An error of the database or the way to it that may be gone by the next try. */
export function isTransient(error: unknown): boolean {
  const fromDatabase = error instanceof Error && ("severity" in error || isConnectionError(error));
  return fromDatabase && writeFailure(error) === "retry";
}

/** What `pg` throws when there is no session to speak of. */
function isConnectionError(error: Error): boolean {
  const code = (error as { readonly code?: unknown }).code;
  return (typeof code === "string" && /^E[A-Z]+$/.test(code)) ||
    /Connection terminated|timeout|Client has encountered a connection error/i
      .test(error.message);
}
