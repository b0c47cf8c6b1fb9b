import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Database } from "../database.ts";
import {
  place,
  placedColumns,
  type PlacedReading,
  type ReadingQueryRow,
} from "../readings/read_readings.ts";

/** How long and how many readings may be parked. */
export interface ParkedBounds {
  readonly maxAgeMs: number;
  readonly maxReadings: number;
}

/** Why a reading may stay parked no longer. */
export type LeavingReason = "parked_too_long" | "parked_overflow";

export interface LeavingReading extends PlacedReading {
  readonly reason: LeavingReason;
  /** Unix milliseconds. */
  readonly parkedAtMs: number;
  /** Why the database refuses to move it; null if it waits for its device. */
  readonly refused: string | null;
}

/** Time that a backend has to part with what it took, before another one takes it. */
const lease = sql`interval '1 minute'`;
/** No row takes less than that, in bytes. */
const leastRowBytes = 90;

const notLeaving = sql`(leaving_at is null or leaving_at < now() - ${lease})`;

/**
 * Takes up to `limit` of the readings that are past the bounds, the oldest
 * first, for the caller to part with and then delete (`deleteParked`). For a
 * minute no other caller gets them. Those whose device is known by now are left to
 * `releaseParked`, unless the database refuses them. Of two callers at once each
 * would take as many as are too many: `onOneReplica`.
 */
export async function takeParked(
  db: Kysely<Database>,
  { maxAgeMs, maxReadings }: ParkedBounds,
  limit: number,
): Promise<readonly LeavingReading[]> {
  const step = async (transaction: Kysely<Database>) => {
    const tooOld = sql`parked_at < now() - ${maxAgeMs}::float8 * interval '1 millisecond'`;
    const old = await take(transaction, "parked_too_long", tooOld, limit);
    if (old.length === limit) return old;
    const over = await countOver(transaction, maxReadings, limit - old.length);
    if (over === 0) return old;
    return [...old, ...await take(transaction, "parked_overflow", sql`true`, over)];
  };
  return db.isTransaction ? await step(db) : await db.transaction().execute(step);
}

/** How many readings are parked beyond `most`; no more than `limit` are counted. */
async function countOver(db: Kysely<Database>, most: number, limit: number): Promise<number> {
  // Counting a million rows takes a while; that so many do not fit in the table, none.
  const { rows: [counted] } = await sql<{ readonly over: number }>`
    select case
      when pg_relation_size('parked_readings') < ${most}::float8 * ${sql.lit(leastRowBytes)} then 0
      else (
        select greatest(count(*) - ${most}::bigint, 0)::int
        from (
          select from parked_readings where ${notLeaving} limit ${most}::bigint + ${limit}::int
        ) parked
      )
    end as over`.execute(db);
  return counted!.over;
}

interface TakenRow extends ReadingQueryRow {
  readonly parkedAtMs: number;
  readonly refused: string | null;
}

async function take(
  db: Kysely<Database>,
  reason: LeavingReason,
  which: RawBuilder<unknown>,
  limit: number,
): Promise<readonly LeavingReading[]> {
  const { rows } = await sql<TakenRow>`
    with due as materialized (
      select ctid as row_id from parked_readings p
      where ${which} and ${notLeaving}
        and (
          refused is not null
          -- A subquery goes by the index; for a join, the planner would read all devices.
          or (select true from iot_devices d where d.device_id = p.device_id) is not true
        )
      order by parked_at
      limit ${limit}::int
      for update of p skip locked
    )
    update parked_readings set leaving_at = now()
    where ctid = any (array(select row_id from due))
    returning ${placedColumns}, refused,
      floor(extract(epoch from parked_at) * 1000)::float8 as "parkedAtMs"`.execute(db);
  return rows.map((row) => ({
    ...place(row),
    reason,
    parkedAtMs: row.parkedAtMs,
    refused: row.refused,
  }));
}
