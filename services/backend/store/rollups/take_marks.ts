import { type Kysely, sql } from "kysely";
import type { DeviceKey } from "../../readings/device_key.ts";
import { int8Array, textArray, timestamptzArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { instant } from "../rows/instant.ts";

/** An hour of a device. */
export interface DeviceHour extends DeviceKey {
  /** Its beginning, in Unix microseconds. */
  readonly hourMicros: number;
}

/**
 * Hours of before `untilMicros` that are marked, each once, in the order of
 * device and time, from after `after` if given. Their marks are deleted: who
 * rolls these up by later statements of the transaction sees what was marked.
 */
export async function takeMarks(
  transaction: Kysely<Database>,
  { after, untilMicros, limit }: {
    readonly after: DeviceHour | undefined;
    readonly untilMicros: number;
    readonly limit: number;
  },
): Promise<readonly DeviceHour[]> {
  // In the order of the index, which spares sorting all marks for some of them.
  const found = transaction.selectFrom("rollup_marks")
    .select(["tenant_id", "device_id", "hour"]).distinct()
    .where("hour", "<", instant(untilMicros))
    .$if(after !== undefined, (query) =>
      query.where((is) =>
        is(
          is.refTuple("tenant_id", "device_id", "hour"),
          ">",
          is.tuple(
            sql<number>`${after!.tenantId}::int`,
            after!.deviceId,
            instant(after!.hourMicros),
          ),
        )
      ))
    .orderBy("tenant_id").orderBy("device_id").orderBy("hour")
    .limit(limit);
  const taken = await transaction.selectFrom(found.as("found"))
    .select([
      "tenant_id as tenantId",
      "device_id as deviceId",
      sql<number>`(extract(epoch from hour) * 1000000)::float8`.as("hourMicros"),
    ])
    .orderBy("tenant_id").orderBy("device_id").orderBy("hour")
    .execute();
  if (taken.length > 0) await deleteMarks(transaction, taken);
  return taken;
}

async function deleteMarks(
  transaction: Kysely<Database>,
  hours: readonly DeviceHour[],
): Promise<void> {
  const keys = sql<{ tenant_id: number; device_id: string; hour: Date }>`unnest(
    ${int8Array(hours.map(({ tenantId }) => BigInt(tenantId)))}::int8[],
    ${textArray(hours.map(({ deviceId }) => deviceId))}::text[],
    ${timestamptzArray(hours.map(({ hourMicros }) => hourMicros))}::timestamptz[]
  )`.as<"keys">(sql`keys(tenant_id, device_id, hour)`);
  await transaction.deleteFrom("rollup_marks as m")
    .using(keys)
    .whereRef("m.tenant_id", "=", "keys.tenant_id")
    .whereRef("m.device_id", "=", "keys.device_id")
    .whereRef("m.hour", "=", "keys.hour")
    .execute();
}
