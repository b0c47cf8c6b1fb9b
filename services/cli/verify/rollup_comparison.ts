import { measures } from "#shared/telemetry/measures.ts";
import {
  dayLevel,
  hourLevel,
  hourMicros,
  minuteLevel,
  type RollupLevel,
  type RollupTable,
} from "../../backend/store/rollups/rollup_levels.ts";
import {
  bucketCountAt,
  bucketFieldAt,
  bucketFields,
  bucketMicrosAt,
  bucketReadingsAt,
  packedBucketBytes,
} from "../../backend/store/runs/packed_buckets.ts";
import type { RollupPage } from "../../backend/store/runs/page_rollups.ts";
import type { Span } from "../../backend/store/runs/span.ts";
import {
  type PublishedBucket,
  type PublishedBuckets,
  statsAt,
  statsLength,
} from "./bucket_tally.ts";

/** How a rollup differs from what the published readings come to. */
export type RollupDifference = "missing" | "wrong" | "unexpected";

export interface FoundRollup {
  readonly difference: RollupDifference;
  readonly table: RollupTable;
  /** Unix microseconds. */
  readonly startMicros: number;
  /** The first thing that differs, where both are there. */
  readonly detail: RollupDetail | undefined;
}

export interface RollupDetail {
  /** `readings`, or as the column is named. */
  readonly column: string;
  readonly expected: number;
  readonly found: number;
}

const levels = [minuteLevel, hourLevel, dayLevel];

/** Of the largest value by its size; what rounding adds in each sum comes on top. */
const meanTolerance = 1e-12;

/**
 * Compares one device's rollups with what its published readings come to: those
 * buckets that lie within the run as a whole, and that the database says are exact.
 */
export class RollupComparison {
  /** Buckets that are as they should be. */
  matched = 0;
  readonly #run: Span;
  readonly #onDifference: (found: FoundRollup) => void;

  constructor(run: Span, onDifference: (found: FoundRollup) => void) {
    this.#run = run;
    this.#onDifference = onDifference;
  }

  /**
   * Takes the device's next rollups, and off `published` what they are compared
   * with: all buckets that begin before the page's end.
   */
  take(page: RollupPage, published: PublishedBuckets): void {
    for (const level of levels) this.#takeLevel(level, page, published[level.table]);
  }

  #takeLevel(level: RollupLevel, page: RollupPage, published: PublishedBucket[]): void {
    const { table } = level;
    const { buckets } = page.tables[table];
    const view = new DataView(buckets.buffer, buckets.byteOffset, buckets.byteLength);
    const isExact = this.#exactness(level, page);
    let place = 0;
    const report = (difference: RollupDifference, startMicros: number, detail?: RollupDetail) => {
      if (isExact(startMicros)) this.#onDifference({ difference, table, startMicros, detail });
    };
    let at = 0;
    for (; place < published.length; place++) {
      const bucket = published[place]!;
      if (bucket.startMicros >= page.span.untilMicros) break;
      for (; at < view.byteLength; at += packedBucketBytes) {
        const startMicros = bucketMicrosAt(view, at);
        if (startMicros >= bucket.startMicros) break;
        report("unexpected", startMicros);
      }
      const found = at < view.byteLength && bucketMicrosAt(view, at) === bucket.startMicros;
      if (!found) {
        report("missing", bucket.startMicros);
        continue;
      }
      const detail = firstDifference(bucket, view, at);
      at += packedBucketBytes;
      if (detail !== undefined) report("wrong", bucket.startMicros, detail);
      else if (isExact(bucket.startMicros)) this.matched++;
    }
    for (; at < view.byteLength; at += packedBucketBytes) {
      report("unexpected", bucketMicrosAt(view, at));
    }
    published.splice(0, place);
  }

  /** Whether a bucket is one that readings of the run alone come to, and is kept exact. */
  #exactness(
    { table, bucketMicros }: RollupLevel,
    { rolledUntilMicros, marked, tables }: RollupPage,
  ): (startMicros: number) => boolean {
    const from = Math.max(this.#run.fromMicros, tables[table].droppedUntilMicros);
    const until = Math.min(this.#run.untilMicros, rolledUntilMicros);
    const inexact = new Set<number>();
    for (const hour of marked) {
      const width = Math.max(bucketMicros, hourMicros);
      inexact.add(Math.floor(hour / width) * width);
    }
    return (startMicros) => {
      if (startMicros < from || startMicros + bucketMicros > until) return false;
      if (inexact.size === 0) return true;
      const width = Math.max(bucketMicros, hourMicros);
      return !inexact.has(Math.floor(startMicros / width) * width);
    };
  }
}

/** What a rollup tells otherwise than the readings do. */
function firstDifference(
  { readings, stats }: PublishedBucket,
  view: DataView,
  at: number,
): RollupDetail | undefined {
  const told = bucketReadingsAt(view, at);
  if (told !== readings) return { column: "readings", expected: readings, found: told };
  for (let measure = 0; measure < measures.length; measure++) {
    const of = measure * statsLength;
    const { column } = measures[measure]!;
    const count = stats[of + statsAt.count]!;
    const toldCount = bucketCountAt(view, at, measure);
    if (toldCount !== count) {
      return { column: `${column}_count`, expected: count, found: toldCount };
    }
    if (count === 0) continue;
    const [min, max] = [stats[of + statsAt.min]!, stats[of + statsAt.max]!];
    const tolerance = Math.max(Math.abs(min), Math.abs(max)) *
      (meanTolerance + count * Number.EPSILON);
    const expected = [min, max, stats[of + statsAt.sum]! / count, stats[of + statsAt.last]!];
    for (let field = 0; field < bucketFields.length; field++) {
      const found = bucketFieldAt(view, at, measure, field);
      const apart = Math.abs(found - expected[field]!);
      if (apart <= (bucketFields[field] === "mean" ? tolerance : 0)) continue;
      return { column: `${column}_${bucketFields[field]}`, expected: expected[field]!, found };
    }
  }
  return undefined;
}
