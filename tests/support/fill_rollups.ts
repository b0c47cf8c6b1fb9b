import { type Kysely, sql } from "kysely";
import type { Database } from "../../services/backend/store/database.ts";
import {
  dayLevel,
  hourLevel,
  hourMicros,
  minuteLevel,
} from "../../services/backend/store/rollups/rollup_levels.ts";
import { rollupColumns } from "../../services/backend/store/rollups/rollup_columns.ts";
import { makeRollupPartitions } from "../../services/backend/store/rollups/rollup_partitions.ts";
import { markUntil, rolledUntil } from "../../services/backend/store/rollups/rollup_progress.ts";

/**
 * Has rollups be told until the last full hour, as if of readings: 10,000 buckets
 * of each width and each of ten devices, `d1` to `d10`; days for 400 days only.
 * 10,000 hours of 100 other devices are marked.
 *
 * @returns until when, in Unix microseconds.
 */
export async function fillRollups(db: Kysely<Database>): Promise<number> {
  const untilMicros = Math.floor(Date.now() * 1_000 / hourMicros) * hourMicros;
  await markUntil(db, untilMicros);
  await rolledUntil(db, untilMicros);
  for (const level of [minuteLevel, hourLevel, dayLevel]) {
    const { table, bucketMicros } = level;
    const buckets = level === dayLevel ? 400 : 10_000;
    const last = Math.floor(untilMicros / bucketMicros) * bucketMicros;
    const first = last - buckets * bucketMicros;
    const make = (transaction: Kysely<Database>) =>
      makeRollupPartitions(transaction, level, first, last);
    await db.transaction().execute(make);
    await sql`
      insert into ${sql.table(table)} (tenant_id, device_id, starts_at, ${
      sql.join(rollupColumns.map((column) => sql.id(column)))
    })
      select 0, 'd' || d,
        to_timestamp(${first / 1e6}::float8) + n * ${bucketMicros / 1e6}::float8 * interval '1 s',
        ${sql.join(rollupColumns.map(() => sql`1`))}
      from generate_series(0, ${buckets}::int - 1) n, generate_series(1, 10) d
      order by n`.execute(db);
  }
  await sql`
    insert into rollup_marks (tenant_id, device_id, hour)
    select 0, 'd' || 100 + n % 100,
      to_timestamp(${untilMicros / 1e6}::float8) - (1 + n) * interval '1 hour'
    from generate_series(1, 10000) n`.execute(db);
  return untilMicros;
}
