import { type Kysely, sql } from "kysely";
import type { Database } from "../../services/backend/store/database.ts";
import { migrateTo } from "./migrate_to.ts";

/** The last migration before there were tenants. */
export const beforeTenants = "0006_parked_bounds";

/**
 * Brings an empty database to the schema before tenants, with 2,000 devices, and
 * with as many readings stored as parked.
 */
export async function fillBeforeTenants(db: Kysely<Database>, readings: number): Promise<void> {
  await migrateTo(db, beforeTenants);
  await sql`
    insert into iot_devices
    select 'd' || n, '', '', '', '', 0, 0, now(), now() from generate_series(1, 2000) n`.execute(
    db,
  );
  for (const [table, prefix] of [["sensor_readings", "d"], ["parked_readings", "x"]] as const) {
    await sql`
      insert into ${sql.table(table)}
        (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
      select ${prefix}::text || 1 + n % 200, timestamptz '2024-03-01' + n * interval '1 s', n,
        20, 50, 1000, 90
      from generate_series(1, ${readings}::int) n`.execute(db);
  }
  await sql`analyze`.execute(db);
}
