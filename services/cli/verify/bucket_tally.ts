import { type MeasuredValues, measures } from "#shared/telemetry/measures.ts";
import {
  dayLevel,
  hourLevel,
  minuteLevel,
  type RollupLevel,
  type RollupTable,
} from "../../backend/store/rollups/rollup_levels.ts";

/** What a device's published readings come to in a minute, an hour or a day. */
export interface PublishedBucket {
  readonly startMicros: number;
  readonly readings: number;
  /** Of each measure `statsLength` numbers, at `statsAt`. */
  readonly stats: Float64Array;
}

/** Where in the numbers of a measure each is; `sum` of all its values. */
export const statsAt = { count: 0, min: 1, max: 2, sum: 3, last: 4 };
export const statsLength = 5;

/** Each in the order of time. */
export type PublishedBuckets = Record<RollupTable, PublishedBucket[]>;

/** The finest first: a wider bucket is made of narrower ones. */
const levels = [minuteLevel, hourLevel, dayLevel];

/** Adds up a device's readings as they come, in the order of time. */
export class BucketTally {
  readonly #tallies = levels.map((level) => new LevelTally(level));
  readonly #minutes = this.#tallies[0]!;

  /** Buckets that no more readings come to, but for those that were taken. */
  readonly closed: PublishedBuckets = { rollups_minute: [], rollups_hour: [], rollups_day: [] };

  add(micros: number, values: Readonly<MeasuredValues>): void {
    const minutes = this.#minutes;
    if (micros >= minutes.untilMicros) this.#turnTo(micros, 0);
    minutes.add(values);
  }

  finish(): void {
    this.#turnTo(Infinity, 0);
  }

  /** Closes the buckets that end by then, the narrowest first, and begins those of that instant. */
  #turnTo(micros: number, at: number): void {
    const tally = this.#tallies[at];
    if (tally === undefined || micros < tally.untilMicros) return;
    const bucket = tally.turnTo(micros);
    const wider = this.#tallies[at + 1];
    if (bucket !== undefined) {
      this.closed[tally.table].push(bucket);
      wider?.merge(bucket);
    }
    this.#turnTo(micros, at + 1);
  }
}

/** The bucket of one width that is under way. */
class LevelTally {
  readonly table: RollupTable;
  untilMicros = -Infinity;
  readonly #width: number;
  #readings = 0;
  #stats = noStats();

  constructor({ table, bucketMicros }: RollupLevel) {
    this.table = table;
    this.#width = bucketMicros;
  }

  /** The bucket that was under way, unless it is empty. */
  turnTo(micros: number): PublishedBucket | undefined {
    const startMicros = this.untilMicros - this.#width;
    const [readings, stats] = [this.#readings, this.#stats];
    this.untilMicros = (Math.floor(micros / this.#width) + 1) * this.#width;
    if (readings === 0) return undefined;
    this.#readings = 0;
    this.#stats = noStats();
    return { startMicros, readings, stats };
  }

  add(values: Readonly<MeasuredValues>): void {
    const stats = this.#stats;
    this.#readings++;
    for (let of = 0, at = 0; of < values.length; of++, at += statsLength) {
      const value = values[of];
      if (value === undefined) continue;
      stats[at]!++;
      if (value < stats[at + statsAt.min]!) stats[at + statsAt.min] = value;
      if (value > stats[at + statsAt.max]!) stats[at + statsAt.max] = value;
      stats[at + statsAt.sum]! += value;
      stats[at + statsAt.last] = value;
    }
  }

  /** Takes a narrower bucket, which comes after those before. */
  merge({ readings, stats: narrow }: PublishedBucket): void {
    const stats = this.#stats;
    this.#readings += readings;
    for (let at = 0; at < stats.length; at += statsLength) {
      if (narrow[at] === 0) continue;
      stats[at]! += narrow[at]!;
      stats[at + statsAt.min] = Math.min(stats[at + statsAt.min]!, narrow[at + statsAt.min]!);
      stats[at + statsAt.max] = Math.max(stats[at + statsAt.max]!, narrow[at + statsAt.max]!);
      stats[at + statsAt.sum]! += narrow[at + statsAt.sum]!;
      stats[at + statsAt.last] = narrow[at + statsAt.last]!;
    }
  }
}

function noStats(): Float64Array {
  const stats = new Float64Array(measures.length * statsLength);
  for (let at = 0; at < stats.length; at += statsLength) {
    stats[at + statsAt.min] = Infinity;
    stats[at + statsAt.max] = -Infinity;
  }
  return stats;
}
