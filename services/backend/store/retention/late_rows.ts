import { type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { textArray } from "../connection/binary_array.ts";
import { lockJob } from "../connection/on_one_replica.ts";
import type { Database } from "../database.ts";
import { dayMicros } from "../partitions/days.ts";
import { instant } from "../rows/instant.ts";
import { lockLate } from "../history/late_lock.ts";
import { noteDropped } from "./note_dropped.ts";
import { isRolledUp } from "./is_rolled_up.ts";

/** A table that may have a partition without a beginning. */
export type RowsTable = "sensor_readings" | "closed_readings";

/** Some devices' rows of a day. */
export interface DeviceRows {
  readonly tenantId: TenantId;
  readonly deviceIds: readonly string[];
}

/** What tells some rows from others: how many they are, and the sum of their tie breaks. */
export interface RowsTally {
  readonly count: number;
  readonly tieBreaks: bigint;
}

/**
 * Deletes rows of a day, in one transaction.
 *
 * @param fromMicros The beginning of the day.
 * @param archived What they are to be; whatever there is, unless given.
 * @returns how many there were; undefined where they are others, or rollups do not
 * tell all of them yet: then they stay.
 */
export async function deleteLate(
  db: Kysely<Database>,
  table: RowsTable,
  fromMicros: number,
  { tenantId, deviceIds }: DeviceRows,
  archived: RowsTally | undefined,
): Promise<number | undefined> {
  const day = { fromMicros, untilMicros: fromMicros + dayMicros };
  const stays = new Error("they stay");
  try {
    return await db.transaction().execute(async (transaction) => {
      await sql`select set_config('lock_timeout', '5s', true)`.execute(transaction);
      // Who rolls up may have seen what is there, and write what is left.
      await lockJob(transaction, "roll_up");
      // Who packs late rows takes those that it has read.
      await lockLate(transaction, "alone");
      const gone = await transaction.with(
        "gone",
        (from) =>
          from.deleteFrom(table)
            .where("tenant_id", "=", tenantId)
            .where("device_id", "=", sql<string>`any(${textArray(deviceIds)}::text[])`)
            .where("timestamp", ">=", instant(fromMicros))
            .where("timestamp", "<", instant(day.untilMicros))
            .returning("tie_break"),
      )
        .selectFrom("gone")
        .select([
          sql<number>`count(*)::float8`.as("count"),
          sql<string>`coalesce(sum(tie_break), 0)::text`.as("tieBreaks"),
        ])
        .executeTakeFirstOrThrow();
      const { count, tieBreaks } = archived ?? gone;
      const isSame = gone.count === count && BigInt(gone.tieBreaks) === BigInt(tieBreaks);
      if (!isSame || !await isRolledUp(transaction, day)) throw stays;
      if (count > 0) await noteDropped(transaction, [day]);
      return gone.count;
    });
  } catch (error) {
    if (error === stays) return undefined;
    throw error;
  }
}
