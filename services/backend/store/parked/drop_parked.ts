import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { afterKey, type ReadingKey } from "../readings/reading_key.ts";
import { parkedBefore, type ParkedFilter } from "./list_parked.ts";

/**
 * Deletes up to `limit` parked readings that pass the filter, in the order of
 * their keys from after `after`, and says where to go on; undefined at the end.
 */
export async function dropParked(
  db: Kysely<Database>,
  { deviceId, olderThanMs }: ParkedFilter,
  { after, limit }: { readonly after: ReadingKey | undefined; readonly limit: number },
): Promise<{ readonly dropped: number; readonly next: ReadingKey | undefined }> {
  const only = deviceId === undefined ? sql`true` : sql`device_id = ${deviceId}`;
  const { rows } = await sql<ReadingKey & { readonly dropped: number }>`
    with due as materialized (
      select ctid as row_id, device_id, "timestamp", tie_break from parked_readings
      where ${afterKey(after)} and ${only} and ${parkedBefore(olderThanMs)}
      order by device_id, "timestamp", tie_break
      limit ${limit}::int
      for update skip locked
    ),
    dropped as (
      delete from parked_readings where ctid = any (array(select row_id from due)) returning 1
    )
    select device_id as "deviceId", tie_break::text as "tieBreak",
      (extract(epoch from "timestamp") * 1000000)::float8 as micros,
      (select count(*)::int from dropped) as dropped
    from due order by due.device_id desc, due."timestamp" desc, due.tie_break desc limit 1`
    .execute(db);
  const last = rows[0];
  return { dropped: last?.dropped ?? 0, next: last };
}
