import { type Kysely, sql } from "kysely";
import { type MeasuredColumns, measures } from "#shared/telemetry/measures.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import { float8Array, int8Array, textArray, timestamptzArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { openFrom, openFromMicros } from "../partitions/open_from.ts";
import { markedColumns, markHours } from "./mark_hours.ts";
import { measureColumnNames, measureColumns } from "./measure_columns.ts";

/** A table that rows are written to, or of one of them only those of days that are open. */
export type WrittenTable = "sensor_readings" | "open days" | "parked_readings";

/** The columns of a reading, but for what only parked ones have. */
export const readingColumns = [
  "tenant_id",
  "device_id",
  "timestamp",
  "tie_break",
  ...measureColumnNames,
] as const;

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

interface ReadingRecord extends MeasuredColumns {
  readonly device_id: string;
  readonly timestamp: Date;
  readonly tie_break: string;
}

/** The rows as a table of a statement. */
export function readingRecords(rows: readonly ReadingRow[]) {
  return sql<ReadingRecord>`unnest(
    ${textArray(rows.map(({ deviceId }) => deviceId))}::text[],
    ${timestamptzArray(rows.map(({ micros }) => micros))}::timestamptz[],
    ${int8Array(rows.map(({ tieBreak }) => tieBreak))}::int8[],
    ${
    sql.join(measures.map((_, at) =>
      sql`${float8Array(rows.map(({ values }) => values[at]))}::float8[]`
    ))
  }
  )`.as<"record">(sql`record(device_id, "timestamp", tie_break, ${measureColumns})`);
}
