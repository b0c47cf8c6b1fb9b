import { type Kysely, sql } from "kysely";
import type { DeviceKey } from "../../readings/device_key.ts";
import type { Database } from "../database.ts";

/** Devices of all tenants in the order of their keys, from after `after` if given. */
export async function pageDeviceKeys(
  db: Kysely<Database>,
  after: DeviceKey | undefined,
  limit: number,
): Promise<readonly DeviceKey[]> {
  return await db.selectFrom("iot_devices")
    .select(["tenant_id as tenantId", "device_id as deviceId"])
    .$if(after !== undefined, (query) =>
      query.where((is) =>
        is(
          is.refTuple("tenant_id", "device_id"),
          ">",
          is.tuple(sql<number>`${after!.tenantId}::int`, after!.deviceId),
        )
      ))
    .orderBy("tenant_id").orderBy("device_id")
    .limit(limit)
    .execute();
}
