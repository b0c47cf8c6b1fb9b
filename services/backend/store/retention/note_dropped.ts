import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { multirange } from "../rollups/dropped_spans.ts";
import type { Span } from "../rollups/plan_buckets.ts";

/** Notes that readings of days are gone, in the transaction that they go in. */
export async function noteDropped(
  transaction: Kysely<Database>,
  days: readonly Span[],
): Promise<void> {
  await transaction.updateTable("reading_progress")
    .set({ dropped: sql<string>`dropped + ${multirange(days)}` })
    .execute();
}
