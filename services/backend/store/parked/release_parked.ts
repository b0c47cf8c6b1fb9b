import { type Kysely, type RawBuilder, sql } from "kysely";
import { writeFailure } from "../connection/write_failure.ts";
import type { Database } from "../database.ts";
import { measureColumns } from "../readings/measure_columns.ts";

/** What was released of one device. */
export interface ReleasedReadings {
  readonly deviceId: string;
  /** Parked no more. */
  readonly count: number;
  /** Those among them that were not stored before. */
  readonly stored: number;
  /** Instant of the newest, in Unix microseconds. */
  readonly newestMicros: number;
}

/**
 * Moves up to `limit` parked readings whose device is known by now to where
 * they belong: those that were parked while their device was being registered,
 * each without sight of the other, and those that were too many to be released
 * with it. A reading that the database refuses stays parked, with the reason,
 * and holds up no other; fewer than could be are moved then, but not none.
 */
export async function releaseParked(
  db: Kysely<Database>,
  limit: number,
): Promise<readonly ReleasedReadings[]> {
  try {
    const { rows } = await sql<ReleasedReadings>`
      with recursive ${knownIds}, ${movedFrom(sql`known`, limit)} ${perDevice}`.execute(db);
    return rows;
  } catch (error) {
    if (writeFailure(error) !== "reject") throw error;
    return limit > 1 ? await releaseParked(db, limit >> 1) : await releaseFirst(db);
  }
}

/** Moves the first that is due and not refused; those before it are set aside, each under its lock. */
async function releaseFirst(db: Kysely<Database>): Promise<readonly ReleasedReadings[]> {
  for (;;) {
    const released = await db.transaction().execute(async (transaction) => {
      const { rows: [first] } = await sql<{ readonly row: string }>`
        with recursive ${knownIds}, ${dueOf(sql`known`, 1)}
        select row_id::text as row from due`.execute(transaction);
      if (first === undefined) return [];
      await sql`savepoint before_move`.execute(transaction);
      try {
        const { rows } = await sql<ReleasedReadings>`
          with due as (select ${first.row}::tid as row_id), ${moved} ${perDevice}`
          .execute(transaction);
        return rows;
      } catch (error) {
        if (writeFailure(error) !== "reject") throw error;
        await sql`rollback to savepoint before_move`.execute(transaction);
        await sql`update parked_readings set refused = ${String(error)}
          where ctid = ${first.row}::tid`.execute(transaction);
        return undefined;
      }
    });
    if (released !== undefined) return released;
  }
}

/** Makes readings due again that were set aside: by now the database may take them. */
export async function retryRefused(db: Kysely<Database>): Promise<void> {
  await sql`
    with aside as materialized (
      select ctid as row_id from parked_readings where refused is not null
      order by device_id, "timestamp", tie_break
      for update
    )
    update parked_readings set refused = null
    where ctid = any (array(select row_id from aside))`.execute(db);
}

/**
 * Ids of devices that are known and have parked readings. Steps from id to id
 * in the index: the readings of devices that never describe themselves may be
 * many times more than their devices.
 */
const knownIds = sql`
  parked_ids as (
    (select device_id as id from parked_readings order by device_id limit 1)
    union all
    select (
      select device_id from parked_readings where device_id > parked_ids.id
      order by device_id limit 1
    )
    from parked_ids where id is not null
  ),
  known as (
    select id from parked_ids where exists (select from iot_devices where device_id = id)
  )`;

/**
 * A common table expression `due` of up to `limit` parked readings of the
 * devices in `devices` (a relation with a column `id`). Joined sideways, so
 * that whatever the planner believes of the table, only these devices' part of
 * it is read. Those that another session is moving or deleting are its own.
 */
function dueOf(devices: RawBuilder<unknown>, limit: number): RawBuilder<unknown> {
  return sql`
    due as materialized (
      select parked.row_id from ${devices} cross join lateral (
        select ctid as row_id from parked_readings where device_id = id and refused is null
        order by "timestamp", tie_break limit ${limit}
        for update skip locked
      ) parked
      limit ${limit}
    )`;
}

/** As `dueOf`, and the expressions that move what is due; the moved are `released`. */
export function movedFrom(devices: RawBuilder<unknown>, limit: number): RawBuilder<unknown> {
  return sql`
    ${dueOf(devices, limit)}, ${moved}`;
}

const moved = sql`
    released as (
      delete from parked_readings where ctid = any (array(select row_id from due))
      returning *
    ),
    stored as (
      insert into sensor_readings
        (device_id, "timestamp", tie_break, ${measureColumns})
      select device_id, "timestamp", tie_break, ${measureColumns}
      from released order by device_id collate "C", 2, 3
      on conflict do nothing
      returning device_id
    )`;

/** What `released` holds of each device, and `stored`. */
export const perDevice = sql`
  select moved.*, coalesce(kept.stored, 0) as stored
  from (
    select device_id as "deviceId", count(*)::int as "count",
      (extract(epoch from max("timestamp")) * 1000000)::float8 as "newestMicros"
    from released group by device_id
  ) moved
  left join (
    select device_id as "deviceId", count(*)::int as stored from stored group by device_id
  ) kept using ("deviceId")`;
