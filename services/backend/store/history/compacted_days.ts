import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

/** A day of which readings are packed. */
export interface CompactedDay {
  /** Such as 2026-11-25. */
  readonly day: string;
  readonly readings: number;
  /** Bytes that they took as rows, with their indexes; of those that came late, without. */
  readonly rowBytes: number;
  /** Bytes of the packed readings. */
  readonly packedBytes: number;
}

/** Notes what was packed of a day, beside what had been before. */
export async function addToDay(
  transaction: Kysely<Database>,
  { day, readings, rowBytes, packedBytes }: CompactedDay,
): Promise<void> {
  await transaction.insertInto("compacted_days")
    .values({
      day,
      readings,
      row_bytes: rowBytes,
      packed_bytes: packedBytes,
      compacted_at: sql<Date>`now()`,
    })
    .onConflict((conflict) =>
      conflict.column("day").doUpdateSet({
        readings: sql<number>`compacted_days.readings + excluded.readings`,
        row_bytes: sql<number>`compacted_days.row_bytes + excluded.row_bytes`,
        packed_bytes: sql<number>`compacted_days.packed_bytes + excluded.packed_bytes`,
        compacted_at: sql<Date>`excluded.compacted_at`,
        expanded: false,
      })
    )
    .execute();
}
