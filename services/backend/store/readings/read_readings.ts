import { create } from "@bufbuild/protobuf";
import { type Kysely, sql } from "kysely";
import { type SensorReading, SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { type MeasuredColumns, measures } from "#shared/telemetry/measures.ts";
import { paceReadings } from "#shared/telemetry/typical_interval.ts";
import type { ReadingPosition } from "../../readings/reading_row.ts";
import { nanosOfTieBreak } from "../../readings/tie_break.ts";
import type { Database } from "../database.ts";
import { instant } from "./instant.ts";
import { measureColumns } from "./measure_columns.ts";

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
export const placedColumns =
  sql`device_id, (extract(epoch from "timestamp") * 1000000)::bigint::text as micros,
  tie_break::text as tie, ${measureColumns}`;

/** A device's readings, newest first, from after `before` if given, at most `limit`. */
export async function pageReadings(
  db: Kysely<Database>,
  { deviceId, before, limit }: {
    readonly deviceId: string;
    readonly before: ReadingPosition | undefined;
    readonly limit: number;
  },
): Promise<readonly PlacedReading[]> {
  const older = before === undefined ? sql`` : sql`
    and ("timestamp", tie_break) < (
      ${instant(before.micros)}, ${String(before.tieBreak)}::bigint
    )`;
  const { rows } = await sql<ReadingQueryRow>`
    select ${placedColumns} from sensor_readings
    where device_id = ${deviceId} ${older}
    order by "timestamp" desc, tie_break desc
    limit ${limit}`.execute(db);
  return rows.map(place);
}

/** A device's newest reading, and when it reported of late. */
export interface LatestReading {
  readonly reading: SensorReading;
  /** Instants of its newest readings, this one included; Unix seconds. */
  readonly recentSeconds: readonly number[];
}

/** The newest reading of each of the devices that has one, in the order given. */
export async function latestReadings(
  db: Kysely<Database>,
  deviceIds: readonly string[],
): Promise<readonly LatestReading[]> {
  const { rows } = await sql<ReadingQueryRow & { readonly recent: string }>`
    select r.*, recent.seconds as recent
    from json_array_elements_text(${JSON.stringify(deviceIds)}) with ordinality as wanted(id, at)
    cross join lateral (
      select ${placedColumns} from sensor_readings
      where device_id = wanted.id
      order by "timestamp" desc, tie_break desc
      limit 1
    ) r
    cross join lateral (
      select json_agg(extract(epoch from newest."timestamp"))::text as seconds from (
        select "timestamp" from sensor_readings
        where device_id = wanted.id
        order by "timestamp" desc
        limit ${paceReadings}
      ) newest
    ) recent
    order by wanted.at`.execute(db);
  // An array of numbers, by the query. As text, since drivers differ in how they read JSON.
  return rows.map((row) => ({
    reading: place(row).reading,
    recentSeconds: JSON.parse(row.recent) as number[],
  }));
}

export function place(row: ReadingQueryRow): PlacedReading {
  const micros = Number(row.micros);
  const tieBreak = BigInt(row.tie);
  const seconds = Math.floor(micros / 1_000_000);
  const reading = create(SensorReadingSchema, {
    deviceId: row.device_id,
    timestamp: BigInt(seconds),
    nanos: (micros - seconds * 1_000_000) * 1_000 + nanosOfTieBreak(tieBreak),
  });
  for (const { field, column } of measures) {
    const value: number | null = row[column];
    if (value !== null) reading[field] = value;
  }
  return { reading, position: { micros, tieBreak } };
}
