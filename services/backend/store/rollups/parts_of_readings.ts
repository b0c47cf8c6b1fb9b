import { measures } from "#shared/telemetry/measures.ts";
import type { ReadingColumns } from "../../history/reading_columns.ts";
import { tieBreakAt } from "../../history/tie_break_at.ts";
import type { PartRow } from "./bucket_point.ts";
import { bucketStart } from "./bucket_start.ts";
import { newestColumns, newestGroups } from "./bucket_summary.ts";
import type { Span } from "./plan_buckets.ts";

/** What unpacked readings of the spans come to, by beginnings of buckets; as a query tells it of rows. */
export function partsOfReadings(
  columns: ReadingColumns,
  spans: readonly Span[],
  bucketMicros: number,
): readonly (readonly [startMicros: number, PartRow])[] {
  const { count, micros } = columns;
  const parts: (readonly [number, PartRow])[] = [];
  for (const { fromMicros, untilMicros } of spans) {
    for (let from = placeOf(micros, fromMicros); from < count && micros[from]! < untilMicros;) {
      const start = bucketStart(micros[from]!, bucketMicros);
      const end = Math.min(start + bucketMicros, untilMicros);
      let until = from + 1;
      while (until < count && micros[until]! < end) until++;
      parts.push([start, partOf(columns, from, until)]);
      from = until;
    }
  }
  return parts;
}

/** Of the first that is not before an instant. */
function placeOf(micros: Float64Array, instant: number): number {
  let [low, high] = [0, micros.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (micros[middle]! < instant) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of the readings [from, until), which is at least one. */
function partOf(columns: ReadingColumns, from: number, until: number): PartRow {
  const part: Record<string, number | readonly number[] | null> = {};
  measures.forEach(({ column, optional }, of) => {
    const values = columns.values[of]!;
    let [count, min, max, sum] = [0, Infinity, -Infinity, 0];
    for (let at = from; at < until; at++) {
      const value = values[at]!;
      if (Number.isNaN(value)) continue;
      count++;
      sum += value;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    if (optional) part[`${column}_count`] = count;
    part[`${column}_min`] = count > 0 ? min : null;
    part[`${column}_max`] = count > 0 ? max : null;
    part[`${column}_mean`] = count > 0 ? sum / count : null;
  });
  newestGroups.forEach((group, at) => {
    part[newestColumns[at]!] = newestOf(
      columns,
      from,
      until,
      group.map((m) => measures.indexOf(m)),
    );
  });
  return { ...part, readings: until - from };
}

/** Null where none of the readings has these measures. */
function newestOf(
  columns: ReadingColumns,
  from: number,
  until: number,
  group: readonly number[],
): readonly number[] | null {
  const isSet = (at: number) => group.every((of) => !Number.isNaN(columns.values[of]![at]));
  let at = until - 1;
  while (at >= from && !isSet(at)) at--;
  if (at < from) return null;
  const tieBreak = tieBreakAt(columns, at);
  return [
    columns.micros[at]! / 1_000_000,
    Number(tieBreak >> 32n),
    Number(BigInt.asUintN(32, tieBreak)),
    ...group.map((of) => columns.values[of]![at]!),
  ];
}
