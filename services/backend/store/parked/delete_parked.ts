import { type Kysely, sql } from "kysely";
import { int8Array, textArray, timestamptzArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import type { PlacedReading } from "../readings/read_readings.ts";

/** Deletes these from the parked readings; those that another session is moving are passed over. */
export async function deleteParked(
  db: Kysely<Database>,
  readings: readonly PlacedReading[],
): Promise<void> {
  await sql`
    with gone as materialized (
      select parked.row_id
      from unnest(
        ${textArray(readings.map(({ reading }) => reading.deviceId))}::text[],
        ${timestamptzArray(readings.map(({ position }) => position.micros))}::timestamptz[],
        ${int8Array(readings.map(({ position }) => position.tieBreak))}::int8[]
      ) as given(id, at, tie)
      cross join lateral (
        select ctid as row_id from parked_readings
        where device_id = id and "timestamp" = at and tie_break = tie
        for update skip locked
      ) parked
    )
    delete from parked_readings where ctid = any (array(select row_id from gone))`.execute(db);
}
