import { type Kysely, sql } from "kysely";
import type { Database } from "./database.ts";

/** What was released of one device. */
export interface ReleasedReadings {
  readonly deviceId: string;
  readonly count: number;
  /** Instant of the newest, in Unix microseconds. */
  readonly newestMicros: number;
}

/**
 * Moves up to `limit` parked readings whose device is known by now to where
 * they belong: those that were parked while their device was being registered,
 * each without sight of the other.
 */
export async function releaseParked(
  db: Kysely<Database>,
  limit: number,
): Promise<readonly ReleasedReadings[]> {
  const { rows } = await sql<ReleasedReadings>`
    with due as (
      select p.device_id, p."timestamp", p.tie_break
      from parked_readings p join iot_devices d using (device_id)
      order by 1, 2, 3
      limit ${limit}
      for update of p skip locked
    ),
    released as (
      delete from parked_readings p using due
      where (p.device_id, p."timestamp", p.tie_break) =
        (due.device_id, due."timestamp", due.tie_break)
      returning p.*
    ),
    stored as (
      insert into sensor_readings
        (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
      select device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level
      from released order by 1, 2, 3
      on conflict do nothing
    )
    select device_id as "deviceId", count(*)::int as "count",
      (extract(epoch from max("timestamp")) * 1000000)::float8 as "newestMicros"
    from released group by device_id`.execute(db);
  return rows;
}
