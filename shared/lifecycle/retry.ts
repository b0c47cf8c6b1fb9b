import { backoffMs } from "./backoff.ts";
import { sleep } from "./sleep.ts";

/** A try that failed as another one may not. */
export interface FailedTry {
  readonly error: unknown;
  /** Which try it was, from 1. */
  readonly attempt: number;
  /** The pause that follows, in whole milliseconds; an abort ends it. */
  readonly retryMs: number;
}

export interface RetryOptions {
  /** Ends a pause, and no try comes after it; a try under way is the work's own to end. */
  readonly signal: AbortSignal;
  /** Tries at most, the first included; without end unless given. */
  readonly tries?: number;
  /** Whether another try may end better; always, unless given. */
  readonly again?: (error: unknown) => boolean;
  /** Hears of each failure once, before its pause; not of one that is thrown for `tries` or `again`. */
  readonly onFailure?: (failed: FailedTry) => void;
  /** The system's unless given. */
  readonly wait?: typeof sleep;
}

/**
 * What `work` comes to, tried again with backoff until it succeeds. The first
 * try is made even if the signal is aborted already.
 *
 * @throws what the last try threw, when no other follows: they were `tries`, or
 *   `again` says no, or the signal was aborted by the end of the pause.
 */
export async function retry<Result>(
  work: () => Promise<Result>,
  options: RetryOptions,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    return await tryAgain(error, work, options);
  }
}

/** As `retry`, from where a first try, which the caller has made itself, failed with `error`. */
export async function tryAgain<Result>(
  error: unknown,
  work: () => Promise<Result>,
  { signal, tries = Infinity, again = () => true, onFailure, wait = sleep }: RetryOptions,
): Promise<Result> {
  let failed = error;
  for (let attempt = 1; attempt < tries && again(failed); attempt++) {
    const retryMs = backoffMs(attempt);
    onFailure?.({ error: failed, attempt, retryMs });
    await wait(retryMs, signal);
    if (signal.aborted) break;
    try {
      return await work();
    } catch (error) {
      failed = error;
    }
  }
  throw failed;
}
