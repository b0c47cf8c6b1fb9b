/** The bounds of every retry in the project, in milliseconds. */
export const backoffBounds = { firstMs: 100, longestMs: 10_000 };

/**
 * How long to wait before retry number `attempt` (from 1): doubling from 100 ms
 * to 10 s, less up to a fifth at random, so that replicas spread out.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const { firstMs, longestMs } = backoffBounds;
  return Math.min(longestMs, firstMs * 2 ** (attempt - 1)) * (1 - random() / 5);
}
