import type { Kysely } from "kysely";
import type { Database } from "../database.ts";
import { outlastReaders } from "../partitions/outlast_readers.ts";
import { outside } from "./outside.ts";
import { dayLevel, hourLevel, minuteLevel, type RollupLevel } from "./rollup_levels.ts";
import type { RollupProgress } from "./rollup_progress.ts";
import { makeRollupPartitions } from "./rollup_partitions.ts";
import { type DeviceSpan, writeBuckets } from "./write_buckets.ts";
import { writeFromReadings } from "./write_from_readings.ts";

type Kept = Pick<
  RollupProgress,
  "rolledUntilMicros" | "dropped" | "rollupsDroppedUntilMicros"
>;

interface RollOptions {
  /** Whether they are rolled up again: who reads has looked for them among the rollups all along. */
  readonly again?: boolean;
}

/**
 * Rolls up whole hours of some devices: their minutes, they themselves, and the
 * days that they are of where these end at `rolledUntilMicros` or before. Readings
 * that are gone leave what their rollups say as it is. In a transaction.
 *
 * @returns readings of minutes that were written.
 */
export async function rollSpan(
  transaction: Kysely<Database>,
  span: DeviceSpan,
  kept: Kept,
  options: RollOptions = {},
): Promise<number> {
  let readings = 0;
  for (const part of outside(span, kept.dropped)) {
    const there = { ...span, ...part };
    const days = wholeDays(there, kept.rolledUntilMicros);
    readings += await write(transaction, minuteLevel, undefined, there, kept, options);
    await write(transaction, hourLevel, minuteLevel, there, kept, options);
    await write(transaction, dayLevel, hourLevel, days, kept, options);
  }
  return readings;
}

/** Of the narrower buckets where these are kept, and else of the readings. */
async function write(
  transaction: Kysely<Database>,
  level: RollupLevel,
  narrower: RollupLevel | undefined,
  span: DeviceSpan,
  { rollupsDroppedUntilMicros: dropped }: Kept,
  { again = false }: RollOptions,
): Promise<number> {
  const wanted = from(span, dropped[level.table]);
  if (wanted.fromMicros >= wanted.untilMicros) return 0;
  const { fromMicros, untilMicros } = wanted;
  const isNew = await makeRollupPartitions(transaction, level, fromMicros, untilMicros);
  if (isNew && again) await outlastReaders(transaction, level.table);
  const bound = narrower === undefined ? Infinity : dropped[narrower.table];
  const [direct, rest] = [until(wanted, bound), from(wanted, bound)];
  let readings = 0;
  if (direct.fromMicros < direct.untilMicros) {
    readings += await writeFromReadings(transaction, level, direct);
  }
  if (narrower !== undefined && rest.fromMicros < rest.untilMicros) {
    readings += await writeBuckets(transaction, level, narrower, rest);
  }
  return readings;
}

function from(span: DeviceSpan, micros: number): DeviceSpan {
  return { ...span, fromMicros: Math.max(span.fromMicros, micros) };
}

function until(span: DeviceSpan, micros: number): DeviceSpan {
  return { ...span, untilMicros: Math.min(span.untilMicros, micros) };
}

/** The days that the span touches and that end at `untilMicros` or before. */
function wholeDays(span: DeviceSpan, untilMicros: number): DeviceSpan {
  const { bucketMicros } = dayLevel;
  const last = Math.min(
    Math.ceil(span.untilMicros / bucketMicros),
    Math.floor(untilMicros / bucketMicros),
  );
  return {
    ...span,
    fromMicros: Math.floor(span.fromMicros / bucketMicros) * bucketMicros,
    untilMicros: last * bucketMicros,
  };
}
