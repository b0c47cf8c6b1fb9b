import { type Kysely, sql } from "kysely";
import type { Database } from "./database.ts";
import type { ReadingRow } from "./reading_row.ts";

export interface WrittenReadings {
  /** Now in `sensor_readings`, and not before. */
  readonly stored: number;
  /** Now in `parked_readings`, and not before: their devices are not yet known. */
  readonly parked: number;
}

/**
 * Writes a batch in one statement, so that all of it is committed or none:
 * readings of known devices are stored, the others parked. What is there
 * already is passed over. The order by key keeps writers of the same rows from
 * deadlocking; which order is all the same, so it is that of bytes, the
 * cheapest. The keys of the JSON are short since every row repeats them.
 */
export async function writeReadings(
  db: Kysely<Database>,
  rows: readonly ReadingRow[],
): Promise<WrittenReadings> {
  const values = rows.map((row) => ({
    d: row.deviceId,
    m: row.micros,
    k: row.tieBreak,
    t: row.temperature,
    h: row.humidity,
    p: row.pressure,
    b: row.batteryLevel,
  }));
  const { rows: [written] } = await sql<{ stored: number; parked: number }>`
    with incoming as materialized (
      select
        r.d as device_id,
        timestamptz 'epoch' + r.m * interval '1 microsecond' as "timestamp",
        r.k as tie_break,
        r.t as temperature, r.h as humidity, r.p as pressure, r.b as battery_level,
        d.device_id is not null as known
      from json_to_recordset(${JSON.stringify(values)}) as r(
        d text, m double precision, k bigint, t double precision, h double precision,
        p double precision, b double precision
      )
      left join iot_devices d on d.device_id = r.d
      order by r.d collate "C", 2, 3
    ),
    stored as (
      insert into sensor_readings
        (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
      select device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level
      from incoming where known
      on conflict do nothing
      returning 1
    ),
    parked as (
      insert into parked_readings
        (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
      select device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level
      from incoming where not known
      on conflict do nothing
      returning 1
    )
    select
      (select count(*)::int from stored) as stored,
      (select count(*)::int from parked) as parked`.execute(db);
  return written!;
}
