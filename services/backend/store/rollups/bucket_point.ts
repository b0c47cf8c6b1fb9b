import { measures } from "#shared/telemetry/measures.ts";
import { newestColumns, newestGroups, newestKeyLength } from "./bucket_summary.ts";

/** What a measure was in a bucket. */
export interface MeasureSummary {
  /** Readings that have it, at least 1. */
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Of the newest reading that has it. */
  readonly last: number;
}

/** What the readings of a bucket come to. */
export interface BucketPoint {
  /** Its beginning, in Unix microseconds. */
  readonly startMicros: number;
  /** At least 1. */
  readonly readings: number;
  /** In the order of `measures`; undefined where no reading has it. */
  readonly measures: readonly (MeasureSummary | undefined)[];
}

/** A part of a bucket's readings, as a query of `BucketSummary.aggregates` tells it. */
export interface PartRow {
  readonly readings: number;
  /** By `<column>_count` of optional measures, `<column>_min`, `_max`, `_mean`, and `newest_<group>`. */
  readonly [column: string]: number | boolean | readonly number[] | null;
}

/** Where a part tells of each measure: named once, for the many points that a chart has. */
const columns = measures.map((measure) => {
  const { column, optional } = measure;
  const group = newestGroups.findIndex((group) => group.includes(measure));
  return {
    count: optional ? `${column}_count` : "readings",
    min: `${column}_min`,
    max: `${column}_max`,
    mean: `${column}_mean`,
    group,
    last: newestKeyLength + newestGroups[group]!.indexOf(measure),
  };
});

/** @param parts Of which each has other readings of the bucket; at least one. */
export function pointOf(startMicros: number, parts: readonly PartRow[]): BucketPoint {
  const newest = newestColumns.map((column) => newestAmong(parts, column));
  return {
    startMicros,
    readings: parts.reduce((sum, { readings }) => sum + readings, 0),
    measures: columns.map(({ count, min, max, mean, group, last }) => {
      const of = (part: PartRow, column: string) => part[column] as number;
      const having = parts.filter((part) => of(part, count) > 0);
      if (having.length === 0) return undefined;
      const readings = having.reduce((sum, part) => sum + of(part, count), 0);
      const sum = having.reduce((sum, part) => sum + of(part, mean) * of(part, count), 0);
      return {
        count: readings,
        min: having.reduce((least, part) => Math.min(least, of(part, min)), Infinity),
        max: having.reduce((most, part) => Math.max(most, of(part, max)), -Infinity),
        mean: having.length === 1 ? of(having[0]!, mean) : sum / readings,
        last: newest[group]![last]!,
      };
    }),
  };
}

function newestAmong(parts: readonly PartRow[], column: string): readonly number[] {
  return parts.reduce<readonly number[]>((newest, part) => {
    const other = part[column] as readonly number[] | null;
    return other !== null && isAfter(other, newest) ? other : newest;
  }, []);
}

/** By the numbers before the values. */
function isAfter(a: readonly number[], b: readonly number[]): boolean {
  for (let at = 0; at < newestKeyLength; at++) {
    if (a[at] !== b[at]) return b[at] === undefined || a[at]! > b[at]!;
  }
  return false;
}
