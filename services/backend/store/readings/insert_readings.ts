import { type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import type { Database } from "../database.ts";
import { openFrom, openFromMicros } from "../partitions/open_from.ts";
import { measureColumnNames } from "../rows/measure_columns.ts";
import { readingColumns, readingRecords } from "../rows/reading_records.ts";
import { markedColumns, markHours } from "./mark_hours.ts";

/** A table that rows are written to, or of one of them only those of days that are open. */
export type WrittenTable = "sensor_readings" | "open days" | "parked_readings";

export interface InsertedReadings {
  /** Rows that were not there. */
  readonly count: number;
  /** Where the days that are open began, in Unix microseconds; null if that is lost, and no row is of them. */
  readonly openFromMicros: number | null;
}

/**
 * Inserts rows, but for those that are there. In the order of the bytes of their
 * keys: any order keeps writers of the same rows from deadlocking, and that is
 * the cheapest.
 */
export async function insertReadings(
  db: Kysely<Database>,
  into: WrittenTable,
  tenantId: TenantId,
  rows: readonly ReadingRow[],
): Promise<InsertedReadings> {
  const written = db.with(
    "written",
    (from) =>
      from.insertInto(into === "parked_readings" ? into : "sensor_readings")
        .columns(readingColumns)
        .expression(
          from.selectFrom(readingRecords(rows))
            .select([
              sql<number>`${tenantId}::int`.as("tenant_id"),
              "device_id",
              "timestamp",
              "tie_break",
              ...measureColumnNames,
            ])
            .$if(into === "open days", (query) => query.where("timestamp", ">=", openFrom))
            .orderBy(sql`device_id collate "C"`).orderBy("timestamp").orderBy("tie_break"),
        )
        .onConflict((conflict) => conflict.doNothing())
        // Counted by the statement: Citus reports the rows that it was given.
        .returning(markedColumns),
  );
  return await (into === "parked_readings" ? written : written.with("marked", markHours))
    .selectFrom("written")
    .select([sql<number>`count(*)::int`.as("count"), openFromMicros.as("openFromMicros")])
    .executeTakeFirstOrThrow();
}
