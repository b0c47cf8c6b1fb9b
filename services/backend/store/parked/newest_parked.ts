import { type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { textArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";

/** The newest instant of what is parked of devices, in Unix microseconds; -Infinity if nothing is. */
export async function newestParked(
  db: Kysely<Database>,
  tenantId: TenantId,
  deviceIds: readonly string[],
): Promise<number> {
  const { micros } = await db.selectFrom("parked_readings")
    .select(({ fn }) =>
      sql<number | null>`(extract(epoch from ${fn.max("timestamp")}) * 1000000)::float8`
        .as("micros")
    )
    .where("tenant_id", "=", tenantId)
    .where("device_id", "=", sql<string>`any(${textArray(deviceIds)}::text[])`)
    .executeTakeFirstOrThrow();
  return micros ?? -Infinity;
}
