import { type Kysely, sql } from "kysely";
import type { Database } from "../../services/backend/store/database.ts";

/** Has the database be as a fresh one, but for the partitions that there are. */
export async function emptyTables(db: Kysely<Database>): Promise<void> {
  await sql`
    truncate iot_devices, sensor_readings, closed_readings, sensor_history, staged_history,
      compactions, compacted_days, rollups_minute, rollups_hour, rollups_day, rollup_marks,
      parked_readings, lagging_writers`.execute(db);
  await sql`
    update reading_progress
    set marking_until = default, rolled_until = default, dropped = default,
      minutes_dropped_until = default, hours_dropped_until = default,
      days_dropped_until = default`.execute(db);
}
