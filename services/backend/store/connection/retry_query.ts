import { retry } from "#shared/lifecycle/retry.ts";
import { isConnectionError, sqlState } from "./write_failure.ts";

const tries = 5;
/** A connection that goes sooner than this was lost, not given up by one who waited. */
const lostWithinMs = 1_000;
/** What the server says when it has ended a statement, or not begun it, for no fault of its own. */
const interrupted = /^(08...|40001|40P01|53300|57P01|57P02|57P03)$/;

/**
 * Runs a query, at most 5 times while the database is away or its session was
 * lost, with backoff; not again once `signal` says that nobody waits for it.
 * Nor is it, where it may still be running: a query that is slow would run
 * beside itself, and be slower for it.
 */
export async function retryQuery<Result>(
  signal: AbortSignal,
  query: () => Promise<Result>,
  nowMs: () => number = () => performance.now(),
): Promise<Result> {
  let startedMs = 0;
  const startQuery = () => {
    startedMs = nowMs();
    return query();
  };
  const again = (error: unknown) => hasEnded(error, nowMs() - startedMs);
  return await retry(startQuery, { signal, tries, again });
}

/** Whether what failed runs no more, and may succeed at the next try. */
function hasEnded(error: unknown, tookMs: number): boolean {
  const state = sqlState(error);
  if (state !== undefined) return interrupted.test(state);
  return error instanceof Error && isConnectionError(error) && tookMs < lostWithinMs;
}
