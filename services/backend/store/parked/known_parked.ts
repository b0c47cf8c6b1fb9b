import { type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { DeviceKey } from "../../readings/device_key.ts";
import { inTransaction } from "../connection/in_transaction.ts";
import type { Database } from "../database.ts";
import { byIndex } from "./by_index.ts";

/**
 * Up to `limit` devices that are known by now and have parked readings, of all
 * tenants, in the order of their keys, from after `after` if given. What is parked
 * of those that never describe themselves may be many times more: the readings
 * are seen in the index alone, and each device is looked up once.
 */
export async function knownParked(
  db: Kysely<Database>,
  after: DeviceKey | undefined,
  limit: number,
): Promise<readonly DeviceKey[]> {
  return await inTransaction(db, async (transaction) => {
    await transaction.selectNoFrom(byIndex).execute();
    return await transaction
      .selectFrom((from) =>
        from.selectFrom("parked_readings")
          .select(["tenant_id", "device_id"])
          .$if(after !== undefined, (query) =>
            query.where((is) =>
              is(
                is.refTuple("tenant_id", "device_id"),
                ">",
                is.tuple(sql<TenantId>`${after!.tenantId}::int`, after!.deviceId),
              )
            ))
          .groupBy(["tenant_id", "device_id"])
          .as("parked")
      )
      .select(["tenant_id as tenantId", "device_id as deviceId"])
      // For a join, or `exists`, the planner may read all devices, or all that is parked.
      .where((is) =>
        is(
          is.selectFrom("iot_devices as d").select(sql.lit(true).as("known"))
            .whereRef("d.tenant_id", "=", "parked.tenant_id")
            .whereRef("d.device_id", "=", "parked.device_id"),
          "is",
          sql.lit(true),
        )
      )
      .orderBy("tenant_id").orderBy("device_id")
      .limit(limit)
      .execute();
  });
}
