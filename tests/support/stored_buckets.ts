import { type Kysely, sql } from "kysely";
import { measures } from "#shared/telemetry/measures.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import type { Database } from "../../services/backend/store/database.ts";
import type { BucketPoint } from "../../services/backend/store/rollups/bucket_point.ts";
import type { RollupTable } from "../../services/backend/store/rollups/rollup_levels.ts";

/** What a table of rollups has of a device of the default tenant, in order. */
export async function storedBuckets(
  db: Kysely<Database>,
  table: RollupTable,
  deviceId: string,
): Promise<readonly BucketPoint[]> {
  const rows = await db.selectFrom(table).selectAll()
    .select(sql<number>`(extract(epoch from starts_at) * 1000000)::float8`.as("startMicros"))
    .where("tenant_id", "=", defaultTenant).where("device_id", "=", deviceId)
    .orderBy("starts_at").execute();
  return rows.map((row) => ({
    startMicros: row.startMicros,
    readings: row.readings,
    measures: measures.map(({ column }) => ({
      count: row.readings,
      min: row[`${column}_min`],
      max: row[`${column}_max`],
      mean: row[`${column}_mean`],
      last: row[`${column}_last`],
    })),
  }));
}
