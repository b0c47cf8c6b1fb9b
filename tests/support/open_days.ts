import { type Kysely, sql } from "kysely";
import type { Database } from "../../services/backend/store/database.ts";
import { daysBetween } from "../../services/backend/store/partitions/make_days.ts";
import { listPartitions } from "../../services/backend/store/partitions/list_partitions.ts";
import { makePartition } from "../../services/backend/store/partitions/make_partition.ts";
import { instant } from "../../services/backend/store/rows/instant.ts";

/**
 * Empty partitions of the days from `fromMicros` until before `untilMicros`, all of
 * them open; what there was is gone, with what is packed and rolled up.
 */
export async function openDays(
  db: Kysely<Database>,
  fromMicros: number,
  untilMicros: number,
): Promise<void> {
  const tables = [
    "sensor_readings",
    "closed_readings",
    "sensor_history",
    "rollups_minute",
    "rollups_hour",
    "rollups_day",
  ] as const;
  for (const table of tables) {
    for (const { name } of await listPartitions(db, table)) {
      await sql`drop table ${sql.table(name)}`.execute(db);
    }
  }
  const older = { name: "sensor_readings_older", fromMicros: -Infinity, untilMicros: fromMicros };
  await db.transaction().execute(async (transaction) => {
    for (const partition of [older, ...daysBetween(fromMicros, untilMicros, untilMicros)]) {
      await makePartition(transaction, "sensor_readings", partition);
    }
    await transaction.updateTable("reading_progress").set({
      open_from: instant(fromMicros),
      marking_until: sql<Date>`'-infinity'`,
      rolled_until: sql<Date>`'infinity'`,
      dropped: sql<string>`'{}'`,
      minutes_dropped_until: sql<Date>`'-infinity'`,
      hours_dropped_until: sql<Date>`'-infinity'`,
      days_dropped_until: sql<Date>`'-infinity'`,
    }).execute();
  });
}
