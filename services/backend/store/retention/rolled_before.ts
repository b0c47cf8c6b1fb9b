import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { instant } from "../readings/instant.ts";
import { rollupProgress } from "../rollups/rollup_progress.ts";

/**
 * Whether the rollups of what is before `untilMicros` say all that its readings
 * do, so that these may go: rollups are not made anew of what is left.
 */
export async function rolledBefore(db: Kysely<Database>, untilMicros: number): Promise<boolean> {
  const { droppedUntilMicros, rolledUntilMicros } = await rollupProgress(db);
  if (droppedUntilMicros >= untilMicros) return true;
  if (rolledUntilMicros < untilMicros) return false;
  const marked = await db.selectFrom("rollup_marks").select("hour")
    .where("hour", ">=", instant(droppedUntilMicros))
    .where("hour", "<", instant(untilMicros))
    .limit(1).executeTakeFirst();
  return marked === undefined;
}

/** Notes that readings of before `untilMicros` are gone, in the transaction that they go in. */
export async function droppedBefore(
  transaction: Kysely<Database>,
  untilMicros: number,
): Promise<void> {
  await transaction.updateTable("reading_progress")
    .set({ dropped_until: sql<Date>`greatest(dropped_until, ${instant(untilMicros)})` })
    .execute();
}
