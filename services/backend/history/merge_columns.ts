import type { ReadingColumns } from "./reading_columns.ts";
import { tieBreakAt } from "./tie_break_at.ts";

/** The readings of one device that are in `a`, in `b`, or in both, once each. */
export function mergeColumns(a: ReadingColumns, b: ReadingColumns): ReadingColumns {
  // From `a` at its place, from `b` at its place plus the count of `a`.
  const picks = new Uint32Array(a.count + b.count);
  let count = 0;
  let left = 0;
  let right = 0;
  while (left < a.count || right < b.count) {
    const order = left === a.count ? 1 : right === b.count ? -1 : compare(a, left, b, right);
    picks[count++] = order <= 0 ? left : a.count + right;
    if (order <= 0) left++;
    if (order >= 0) right++;
  }
  const picked = picks.subarray(0, count);
  return {
    count,
    micros: pick(a.micros, b.micros, picked),
    nanos: mergedNanos(a, b, picked),
    values: a.values.map((column, measure) => pick(column, b.values[measure]!, picked)),
    oddTieBreaks: mergedOdd(a, b, picked),
  };
}

function compare(a: ReadingColumns, left: number, b: ReadingColumns, right: number): number {
  const apart = a.micros[left]! - b.micros[right]!;
  if (apart !== 0) return apart;
  const [ofA, ofB] = [tieBreakAt(a, left), tieBreakAt(b, right)];
  return ofA < ofB ? -1 : ofA > ofB ? 1 : 0;
}

function pick(a: Float64Array, b: Float64Array, picked: Uint32Array): Float64Array {
  const merged = new Float64Array(picked.length);
  for (let at = 0; at < picked.length; at++) {
    const from = picked[at]!;
    merged[at] = from < a.length ? a[from]! : b[from - a.length]!;
  }
  return merged;
}

function mergedNanos(
  a: ReadingColumns,
  b: ReadingColumns,
  picked: Uint32Array,
): Uint16Array | undefined {
  if (a.nanos === undefined && b.nanos === undefined) return undefined;
  return Uint16Array.from(
    picked,
    (from) => (from < a.count ? a.nanos?.[from] : b.nanos?.[from - a.count]) ?? 0,
  );
}

function mergedOdd(
  a: ReadingColumns,
  b: ReadingColumns,
  picked: Uint32Array,
): ReadonlyMap<number, bigint> | undefined {
  if (a.oddTieBreaks === undefined && b.oddTieBreaks === undefined) return undefined;
  const odd = new Map<number, bigint>();
  picked.forEach((from, at) => {
    const tieBreak = from < a.count
      ? a.oddTieBreaks?.get(from)
      : b.oddTieBreaks?.get(from - a.count);
    if (tieBreak !== undefined) odd.set(at, tieBreak);
  });
  return odd;
}
