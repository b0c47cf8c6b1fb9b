/**
 * The smallest of `sorted` that at least the share `rank` (0 to 1) of them does
 * not exceed (nearest rank); NaN if there are none.
 *
 * @param sorted in ascending order
 */
export function percentile(sorted: ArrayLike<number>, rank: number): number {
  if (sorted.length === 0) return NaN;
  // What floating point puts just above a whole number is that number: 0.999 × 1,000.
  const place = Math.ceil(rank * sorted.length - 1e-9);
  return sorted[Math.min(sorted.length, Math.max(1, place)) - 1]!;
}

/** The middle one, or halfway between the middle two; NaN if there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2;
}
