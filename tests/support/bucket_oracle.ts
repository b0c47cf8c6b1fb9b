import assert from "node:assert/strict";
import { measures } from "#shared/telemetry/measures.ts";
import type { ReadingRow } from "../../services/backend/readings/reading_row.ts";
import { isNewer } from "../../services/backend/readings/reading_row.ts";
import type { BucketPoint } from "../../services/backend/store/rollups/bucket_point.ts";
import type { BucketQuery } from "../../services/backend/store/rollups/read_buckets.ts";

/** A Monday. */
const originMicros = Date.UTC(1970, 0, 5) * 1_000;

/** What `readBuckets` is to find of these readings, each of which is there once. */
export function bucketsOf(
  rows: readonly ReadingRow[],
  { deviceId, fromMicros, untilMicros, bucketSeconds }: BucketQuery,
): readonly BucketPoint[] {
  const width = bucketSeconds * 1_000_000;
  const found = rows.filter((row) =>
    row.deviceId === deviceId && row.micros >= fromMicros && row.micros < untilMicros
  );
  const buckets = Map.groupBy(
    found,
    ({ micros }) => Math.floor((micros - originMicros) / width) * width + originMicros,
  );
  return [...buckets].sort(([a], [b]) => a - b).map(([startMicros, rows]) => ({
    startMicros,
    readings: rows.length,
    measures: measures.map((_, at) => {
      const having = rows.filter(({ values }) => values[at] !== undefined);
      if (having.length === 0) return undefined;
      const values = having.map(({ values }) => values[at]!);
      return {
        count: having.length,
        min: Math.min(...values),
        max: Math.max(...values),
        mean: values.reduce((sum, value) => sum + value, 0) / values.length,
        last: having.reduce((newest, row) => isNewer(row, newest) ? row : newest).values[at]!,
      };
    }),
  }));
}

/** Means may differ in their last digits, by the order in which they are summed up; nothing else. */
export function assertSameBuckets(
  found: readonly BucketPoint[],
  expected: readonly BucketPoint[],
  what: string,
): void {
  const exact = (points: readonly BucketPoint[]) =>
    points.map((point) => ({
      ...point,
      measures: point.measures.map((measure) => measure && { ...measure, mean: 0 }),
    }));
  assert.deepEqual(exact(found), exact(expected), what);
  found.forEach((point, at) =>
    point.measures.forEach((measure, of) => {
      if (measure === undefined) return;
      const { mean } = expected[at]!.measures[of]!;
      const size = Math.max(Math.abs(measure.min), Math.abs(measure.max));
      assert(
        Math.abs(measure.mean - mean) <= size * 1e-12,
        `${what}: ${measure.mean}, not ${mean}`,
      );
    })
  );
}
