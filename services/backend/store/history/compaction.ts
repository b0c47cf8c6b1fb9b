import { type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { Database } from "../database.ts";
import type { Partition } from "../partitions/list_partitions.ts";
import { instant } from "../readings/instant.ts";

/** How far packing a partition has come. */
export interface Compaction {
  /** The stretch of time that is being packed begins there, in Unix microseconds. */
  readonly stretchMicros: number;
  /** The last device that is done of the stretch, in the order of their keys; before all, `firstKey`. */
  readonly tenantId: TenantId;
  readonly deviceId: string;
  /** Where the rest of that device begins, if it is not done after all. */
  readonly resumedMicros: number | undefined;
  /** That are staged. */
  readonly readings: number;
}

/** Before every device. */
export const firstKey = { tenantId: -(2 ** 31), deviceId: "" } as const;

const micros = (column: "stretch" | "resumed_at") =>
  sql<number>`(extract(epoch from ${sql.ref(column)}) * 1000000)::float8`;

export async function findCompaction(
  db: Kysely<Database>,
  { name }: Partition,
): Promise<Compaction | undefined> {
  const found = await db.selectFrom("compactions")
    .select([
      micros("stretch").as("stretchMicros"),
      "tenant_id as tenantId",
      "device_id as deviceId",
      micros("resumed_at").as("resumedMicros"),
      sql<number>`readings::float8`.as("readings"),
    ])
    .where("partition", "=", name)
    .executeTakeFirst();
  return found && { ...found, resumedMicros: found.resumedMicros ?? undefined };
}

export async function saveCompaction(
  db: Kysely<Database>,
  { name }: Partition,
  { stretchMicros, tenantId, deviceId, resumedMicros, readings }: Compaction,
): Promise<void> {
  const saved = {
    stretch: instant(stretchMicros),
    tenant_id: tenantId,
    device_id: deviceId,
    resumed_at: resumedMicros === undefined ? null : instant(resumedMicros),
    readings,
  };
  await db.insertInto("compactions")
    .values({ partition: name, ...saved })
    .onConflict((conflict) => conflict.column("partition").doUpdateSet(saved))
    .execute();
}

/** Begins anew with a partition: what is staged of it goes. */
export async function restartCompaction(
  db: Kysely<Database>,
  partition: Partition,
): Promise<void> {
  await deleteStaged(db, partition);
  await db.deleteFrom("compactions").where("partition", "=", partition.name).execute();
}

export async function deleteStaged(
  db: Kysely<Database>,
  { fromMicros, untilMicros }: Partition,
): Promise<void> {
  await db.deleteFrom("staged_history")
    .where("first_at", ">=", instant(fromMicros))
    .where("first_at", "<", instant(untilMicros))
    .execute();
}
