import { sql } from "kysely";
import { type MeasuredColumns, measures } from "#shared/telemetry/measures.ts";
import type { ReadingRow } from "../../readings/reading_row.ts";
import { float8Array, int8Array, textArray, timestamptzArray } from "../connection/binary_array.ts";
import { measureColumnNames, measureColumns } from "./measure_columns.ts";

/** The columns of a reading, but for what only parked ones have. */
export const readingColumns = [
  "tenant_id",
  "device_id",
  "timestamp",
  "tie_break",
  ...measureColumnNames,
] as const;

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
