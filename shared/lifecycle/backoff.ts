/** The bounds of every retry in the project, in milliseconds. */
export const backoffBounds = { firstMs: 100, longestMs: 10_000 };

/**
 * How long to wait before retry number `attempt` (from 1), in whole
 * milliseconds: doubling from 100 ms to 10 s, less up to a fifth at random, so
 * that replicas spread out.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const { firstMs, longestMs } = backoffBounds;
  return Math.round(Math.min(longestMs, firstMs * 2 ** (attempt - 1)) * (1 - random() / 5));
}

/**
 * The pauses of what is never done, such as a connection that is kept up: a
 * success is followed by failures too, and only its owner knows which of them
 * are the first again. What ends with its first success is for `retry`.
 */
export class Backoff {
  #failures = 0;

  /** How long to wait after one more failure, in whole milliseconds. */
  next(): number {
    return backoffMs(++this.#failures);
  }

  /** Makes the next failure the first again. */
  reset(): void {
    this.#failures = 0;
  }
}
