import { type Kysely, sql } from "kysely";
import type { Database } from "../../services/backend/store/database.ts";

/** The last migration before readings were in partitions. */
export const beforePartitions = "0008_latest_readings";
export const dayPartitions = "0009_day_partitions";

/**
 * Fills empty tables, of whichever of these migrations, with 2,000 devices, of
 * which 200 have readings: half of March 2024, half of the ten days from
 * `firstDay` on. As many are parked, of others.
 */
export async function fillWithReadings(
  db: Kysely<Database>,
  readings: number,
  firstDay: Date,
): Promise<void> {
  await sql`
    insert into iot_devices
    select 'd' || n, '', '', '', '', 0, 0, now(), now() from generate_series(1, 2000) n`
    .execute(db);
  const step = 10 * 86_400 / readings;
  for (const [table, prefix] of [["sensor_readings", "d"], ["parked_readings", "x"]] as const) {
    await sql`
      insert into ${sql.table(table)}
        (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
      select ${prefix}::text || 1 + n % 200,
        case n / 200 % 2
          when 0 then timestamptz '2024-03-01' + n * interval '1 s'
          else ${firstDay}::timestamptz + n * ${step}::float8 * interval '1 s'
        end,
        n, 20, 50, 1000, 90
      from generate_series(0, ${readings}::int - 1) n`.execute(db);
  }
  await sql`analyze`.execute(db);
}

/** A week ago, at the beginning of the day in UTC. */
export function weekAgo(): Date {
  const dayMs = 86_400_000;
  return new Date(Math.floor(Date.now() / dayMs) * dayMs - 7 * dayMs);
}
