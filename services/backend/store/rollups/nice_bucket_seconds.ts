const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * Widths of buckets that people read off an axis, in seconds. Without half a
 * minute and half an hour, which take four times as much to read as the whole
 * ones that are rolled up, and more, and show half as much again.
 */
const nice = [
  ...[1, 2, 5, 10, 15],
  ...[1, 2, 5, 10, 15].map((minutes) => minutes * minute),
  ...[1, 2, 3, 6, 12].map((hours) => hours * hour),
  ...[1, 7].map((days) => days * day),
];

/**
 * The narrowest of the widths that people read off an axis, in seconds, by which
 * buckets of `spanSeconds` are at most `maxPoints`, wherever they begin; past a
 * week, a multiple of it that doubles.
 *
 * @param maxPoints At least 2: a span that begins within a bucket touches one more.
 * @throws {RangeError} if it is less.
 */
export function niceBucketSeconds(spanSeconds: number, maxPoints: number): number {
  if (!(maxPoints >= 2)) throw new RangeError(`Cannot divide a span into ${maxPoints} buckets`);
  const fits = (width: number) => Math.ceil(spanSeconds / width) + 1 <= maxPoints;
  const found = nice.find(fits);
  if (found !== undefined) return found;
  let width = nice.at(-1)!;
  while (!fits(width)) width *= 2;
  return width;
}
