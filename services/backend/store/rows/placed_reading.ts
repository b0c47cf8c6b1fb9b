import { create } from "@bufbuild/protobuf";
import { sql } from "kysely";
import { type SensorReading, SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { type MeasuredColumns, measures } from "#shared/telemetry/measures.ts";
import type { ReadingPosition, ReadingRow } from "../../readings/reading_row.ts";
import { nanosOfTieBreak } from "../../readings/tie_break.ts";
import { measureColumnNames } from "./measure_columns.ts";

/** A stored reading, with its place among its device's readings. */
export interface PlacedReading {
  readonly reading: SensorReading;
  readonly position: ReadingPosition;
}

/** A row of `placedColumns`, which `place` makes a reading of. */
export interface ReadingQueryRow extends MeasuredColumns {
  readonly device_id: string;
  /** Text, since drivers differ in how they read a bigint. */
  readonly micros: string;
  readonly tie: string;
}

// No output column may be named as one that is ordered by: `order by` takes the output's, as text.
export const placedColumns = [
  "device_id",
  sql<string>`(extract(epoch from "timestamp") * 1000000)::bigint::text`.as("micros"),
  sql<string>`tie_break::text`.as("tie"),
  ...measureColumnNames,
] as const;

/** The reading of a row, where it would stand if it were stored. */
export function readingOf({ deviceId, micros, tieBreak, values }: ReadingRow): PlacedReading {
  const reading = emptyReading(deviceId, micros, tieBreak);
  measures.forEach(({ field }, at) => {
    const value = values[at];
    if (value !== undefined) reading[field] = value;
  });
  return { reading, position: { micros, tieBreak } };
}

/** The reading that a row of `placedColumns` tells. */
export function place(row: ReadingQueryRow): PlacedReading {
  const micros = Number(row.micros);
  const tieBreak = BigInt(row.tie);
  const reading = emptyReading(row.device_id, micros, tieBreak);
  for (const { field, column } of measures) {
    const value: number | null = row[column];
    if (value !== null) reading[field] = value;
  }
  return { reading, position: { micros, tieBreak } };
}

/** The same as `place`, as the statements take it. */
export function rowOf(row: ReadingQueryRow): ReadingRow {
  return {
    deviceId: row.device_id,
    micros: Number(row.micros),
    tieBreak: BigInt(row.tie),
    values: measures.map(({ column }) => row[column] ?? undefined),
  };
}

function emptyReading(deviceId: string, micros: number, tieBreak: bigint): SensorReading {
  const seconds = Math.floor(micros / 1_000_000);
  return create(SensorReadingSchema, {
    deviceId,
    timestamp: BigInt(seconds),
    nanos: (micros - seconds * 1_000_000) * 1_000 + nanosOfTieBreak(tieBreak),
  });
}
